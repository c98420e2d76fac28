"""How much a delivered picture looks like the caller's."""

import numpy as np
from skimage.metrics import structural_similarity

from preimage.v1 import preimage_pb2 as wire
from preimage_worker import pictures

EQUAL_PSNR_DB = 100.0
"""Reported for two equal pictures, whose PSNR is infinite."""
_SSIM_WINDOW_PIXELS = 11
_COLOUR_AXES = 3


def fidelity(pixels: pictures.Pixels, original: pictures.Pixels) -> wire.PictureFidelity:
    """PSNR, and SSIM where the picture is large enough; the original in the pre-image's colours."""
    original = _like(original, pixels)
    return wire.PictureFidelity(psnr_db=psnr_db(pixels, original), ssim=ssim(pixels, original))


def psnr_db(pixels: pictures.Pixels, original: pictures.Pixels) -> float:
    """Peak signal-to-noise ratio of two 8-bit pictures of the same shape, peak 255."""
    difference = pixels.astype(np.float64) - original.astype(np.float64)
    mse = float(np.mean(difference**2))
    return min(10 * float(np.log10(255**2 / mse)), EQUAL_PSNR_DB) if mse > 0 else EQUAL_PSNR_DB


def ssim(pixels: pictures.Pixels, original: pictures.Pixels) -> float | None:
    """Structural similarity with Wang's window; None for pictures smaller than it."""
    if min(pixels.shape[:2]) < _SSIM_WINDOW_PIXELS:
        return None
    value = structural_similarity(  # type: ignore[no-untyped-call]
        pixels,
        original,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        channel_axis=2 if pixels.ndim == _COLOUR_AXES else None,
    )
    return float(value)


def _like(original: pictures.Pixels, pixels: pictures.Pixels) -> pictures.Pixels:
    """The caller's picture in the colours of the pre-image."""
    if pixels.ndim == original.ndim:
        return original
    return pictures.to_pixels(pictures.to_levels(original, 1))
