"""Randomness without state: a hash of counters instead of a generator that someone must carry.

A lane's noise depends on (seed, restart, step) alone. So it is the same whoever shares the batch,
and a lane that resumes from a checkpoint needs no generator's state.
"""

_MASK = (1 << 64) - 1


def hash64(*counters: int) -> int:
    """64 well-mixed bits of the counters, in order.

    Each is taken modulo 2^64 and absorbed by splitmix64's finaliser (Steele, Lea & Flood 2014).
    """
    state = 0
    for counter in counters:
        state = _mix((state + (counter & _MASK) + 0x9E3779B97F4A7C15) & _MASK)
    return state


def _mix(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)
