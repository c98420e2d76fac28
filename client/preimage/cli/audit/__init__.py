"""`preimage audit`: what shared codes give away, and which defence helps."""
