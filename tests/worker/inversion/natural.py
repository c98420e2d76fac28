"""Natural pictures that ship with scikit-image."""

import numpy as np
import numpy.typing as npt
import skimage.data

NAMES = ("chelsea", "coffee", "rocket")


def natural(name: str) -> npt.NDArray[np.uint8]:
    """The picture in colour, `(height, width, 3)`."""
    return np.asarray(getattr(skimage.data, name)(), np.uint8)


def dequantised(name: str) -> npt.NDArray[np.float32]:
    """The picture in grey, minus 128, with uniform noise of one grey level.

    On whole grey levels gradients often point exactly between two directions, where rounding alone
    decides which one wins.
    """
    grey = natural(name).astype(np.float64) @ (0.299, 0.587, 0.114)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, grey.shape)
    return np.asarray(grey - 128 + noise, np.float32)
