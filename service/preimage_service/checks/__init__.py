"""Is this request one that a worker can do? Pure functions from messages to violations.

Checks go from cheap to dear: numbers and names, then headers, then what a model says, then elements
and pixels. Nothing is allocated on the word of a header alone.
"""
