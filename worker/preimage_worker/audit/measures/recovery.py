"""How much of each picture a reconstruction shows: MSE, PSNR, SSIM and FVE, a picture at a time.

The headline is the fraction of variance explained, FVE = 1 - MSE / MSE(mean picture), at least 0:
0 is what somebody reaches who knows only what pictures look like on average. Nothing is pooled over
pictures: the PSNR of a mean error is not the mean PSNR.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from skimage.metrics import structural_similarity

from preimage_worker.audit.measures import pictures
from preimage_worker.audit.measures.pictures import Floats, Reals

EQUAL_PSNR_DB = 100.0
"""Of two equal pictures, whose PSNR is infinite."""
SSIM_WINDOW_PIXELS = 11
"""Wang's Gaussian window of σ = 1.5 pixels, cut off at 3.5 σ."""


@final
@dataclass(frozen=True)
class Missing:
    """A figure that there is not, and why."""

    reason: str


LPIPS_MISSING = Missing(
    "LPIPS needs the weights of a perceptual network, and this service carries none."
)


@final
@dataclass(frozen=True, eq=False)
class Recovery:
    """Figures of `n` reconstructions, `(n,)` each, in the order of the pictures."""

    mse: Floats
    """Mean squared error over pixels and channels, on the scale 0 to 1."""
    psnr_db: Floats
    """10 log10(1 / MSE), at most `EQUAL_PSNR_DB`."""
    fve: Floats
    """Fraction of variance explained, 0 to 1."""
    ssim: Floats | Missing
    """Mean structural similarity over windows and channels, -1 to 1."""
    lpips: Floats | Missing = LPIPS_MISSING


def measure(reconstructions: Reals, originals: Reals, mean_picture: Reals) -> Recovery:
    """All figures of all pictures.

    Args:
        reconstructions: `(n, height, width, channels)`, 0 to 1.
        originals: the same shape: what the model saw.
        mean_picture: `(height, width, channels)`, of pictures which are not among the originals.

    Raises:
        ValueError: shapes differ, or a value is not from 0 to 1.
    """
    pictures.check_pairs(reconstructions, originals)
    error = mse(reconstructions, originals)
    return Recovery(
        mse=error,
        psnr_db=psnr_db(error),
        fve=fve(error, mse_of_one(mean_picture, originals)),
        ssim=ssim(reconstructions, originals),
    )


def mse(reconstructions: Reals, originals: Reals) -> Floats:
    """Mean squared error of each picture, `(n,)`, in squares of the scale 0 to 1."""
    pairs = zip(reconstructions, originals, strict=True)
    return np.array([np.mean(np.square(a.astype(np.float64) - b)) for a, b in pairs])


def mse_of_one(picture: Reals, originals: Reals) -> Floats:
    """`(n,)`: the error of one and the same picture as the reconstruction of every original."""
    if picture.shape != originals.shape[1:]:
        raise ValueError(
            f"the mean picture {picture.shape} and the originals {originals.shape[1:]} differ in "
            "shape"
        )
    return mse(np.broadcast_to(picture, originals.shape), originals)


def psnr_db(error: Floats) -> Floats:
    """Peak signal-to-noise ratio of each picture's MSE, peak 1; equal pictures have 100 dB."""
    least = 10 ** (-EQUAL_PSNR_DB / 10)
    return -10 * np.log10(np.maximum(error, least))


def fve(error: Floats, baseline_error: Floats) -> Floats:
    """1 - MSE / MSE(mean picture) of each picture, clipped at 0.

    A picture that is the mean picture has nothing that could be recovered: its FVE is 0.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        explained = 1 - error / baseline_error
    return np.clip(np.where(baseline_error > 0, explained, 0.0), 0.0, 1.0)


def ssim(reconstructions: Reals, originals: Reals) -> Floats | Missing:
    """Structural similarity with the settings of Wang et al. 2004, the mean over channels.

    Missing for pictures that its window of 11 pixels does not fit in.
    """
    side = min(originals.shape[1:3])
    if side < SSIM_WINDOW_PIXELS:
        return Missing(
            f"SSIM looks through a window of {SSIM_WINDOW_PIXELS} pixels, and the pictures have a "
            f"side of {side}."
        )
    pairs = zip(reconstructions, originals, strict=True)
    return np.array([_ssim(a.astype(np.float64), b.astype(np.float64)) for a, b in pairs])


def _ssim(reconstruction: Floats, original: Floats) -> float:
    value = structural_similarity(  # type: ignore[no-untyped-call]
        reconstruction,
        original,
        data_range=1.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        channel_axis=2,
    )
    return float(value)
