"""Natural pictures that ship with scikit-image."""

import numpy as np
import numpy.typing as npt
import skimage.data

NAMES = ("chelsea", "coffee", "rocket")


def dequantised(name: str) -> npt.NDArray[np.float32]:
    """The picture in grey, minus 128, with uniform noise of one grey level.

    On whole grey levels gradients often point exactly between two directions, where rounding alone
    decides which one wins.
    """
    picture = getattr(skimage.data, name)()
    grey = picture.astype(np.float64) @ (0.299, 0.587, 0.114)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, grey.shape)
    return (grey - 128 + noise).astype(np.float32)
