"""The scale on which all measures look at pictures, and the checks that they are on it.

Pictures are floating arrays `(n, height, width, channels)` from 0 to 1: the 8-bit levels that are
delivered, divided by 255, after denormalising and clamping. Of a picture and its reconstruction
both are in the same colours, and the original is the *cropped* one, as the model saw it. Other
scales are refused: an error of 0..255 read as one of 0..1 would make everything look private.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Reals = NDArray[np.floating[Any]]
"""Any floating dtype; computed with in float64, a few pictures or elements at a time."""

_AXES = 4


def from_levels(levels: NDArray[np.uint8]) -> Floats:
    """8-bit pictures on the scale of the measures."""
    return levels / 255.0


def to_levels(pictures: Reals) -> NDArray[np.uint8]:
    """The nearest 8-bit levels of pictures from 0 to 1."""
    return np.rint(np.asarray(pictures, np.float64) * 255).astype(np.uint8)


def check(pictures: Reals, name: str) -> None:
    """Raises ValueError unless these are pictures from 0 to 1, at least one."""
    if pictures.ndim != _AXES or pictures.size == 0:
        raise ValueError(
            f"{name}: pictures have the shape (n, height, width, channels), none of them 0, "
            f"not {pictures.shape}"
        )
    if not np.issubdtype(pictures.dtype, np.floating):
        raise ValueError(f"{name}: pictures are floating numbers from 0 to 1, not {pictures.dtype}")
    low, high = float(pictures.min()), float(pictures.max())
    if not (low >= 0 and high <= 1):
        raise ValueError(
            f"{name}: pictures are from 0 to 1 (levels / 255, clamped), not {low:g} to {high:g}"
        )


def check_pairs(reconstructions: Reals, originals: Reals) -> None:
    """Raises ValueError unless both are pictures of one shape, one reconstruction an original."""
    check(reconstructions, "reconstructions")
    check(originals, "originals")
    if reconstructions.shape != originals.shape:
        raise ValueError(
            f"reconstructions {reconstructions.shape} and originals {originals.shape} differ in "
            "shape: compare with the originals as they were cropped, in the same colours"
        )
