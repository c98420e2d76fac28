"""Metrics over HTTP, for a process that must not be held up by whoever asks for them.

Prometheus' own server gives every connection a thread for as long as it likes to stay. Here both
have a bound: so many at one time, and so long each.
"""

from preimage_exposition.serving import serve

__all__ = ["serve"]
