"""Settlements on the wire: results, files, errors and events as the frontend reads them.

Nothing is measured here but the likeness of two pictures; values become messages and bytes.
"""
