"""Representations that can be inverted: layers of networks, and formulas."""
