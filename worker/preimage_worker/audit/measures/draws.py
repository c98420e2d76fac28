"""Random numbers that depend on a seed and a purpose alone.

The raw output of Philox (Salmon et al. 2011), a counter-based generator, which NumPy keeps the same
in all versions; what its `Generator` makes of it may change.
"""

import numpy as np

from preimage_worker.audit.measures.pictures import Indices

_MASK = (1 << 64) - 1


def indices(seed: int, purpose: int, shape: tuple[int, ...], below: int) -> Indices:
    """Uniform integers from 0 to below - 1; another purpose gives independent ones."""
    key = np.array([seed & _MASK, purpose & _MASK], np.uint64)
    raw = np.random.Philox(key=key).random_raw(int(np.prod(shape)))
    unit = (raw >> np.uint64(11)) * 2.0**-53
    return (unit * below).astype(np.int64).reshape(shape)
