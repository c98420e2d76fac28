"""Measurements. Never tests: nothing here passes or fails."""
