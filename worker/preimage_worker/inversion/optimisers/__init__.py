"""Optimisers over lanes: pairs of pure functions, composed with `chain`."""
