"""Between pictures and what a representation sees and an engine delivers."""

import math

import numpy as np
import torch
from torch import Tensor

from benchmarks.pictures import Pixels
from preimage_worker import pictures
from preimage_worker.inversion.images import to_pixels
from preimage_worker.inversion.representations.base import Representation


def canvas_of(phi: Representation, pixels: Pixels) -> Tensor:
    """An RGB picture as Φ's canvas `(channels, height, width)`, on the CPU."""
    levels = pictures.to_levels(pixels, phi.channels)
    return torch.from_numpy(pictures.canvas(levels, phi.mean))


def encode(phi: Representation, pixels: Pixels, device: torch.device) -> Tensor:
    """Φ₀ of a picture, without a lane axis, on the CPU."""
    with torch.no_grad():
        return phi(canvas_of(phi, pixels)[None].to(device))[0].float().cpu()


def delivered_pixels(picture: Tensor, phi: Representation) -> Pixels:
    """A picture in canvas units as it is delivered: `(height, width)` or `(height, width, 3)`."""
    levels = to_pixels(picture, phi.mean).cpu().numpy()
    return levels[0] if len(levels) == 1 else np.ascontiguousarray(levels.transpose(1, 2, 0))


def psnr_db(delivered: Pixels, original: Pixels) -> float:
    """Of 8 bits against an RGB picture, of grey ones against its luma; infinity for none."""
    levels = pictures.to_levels(original, 3 if delivered.ndim == 3 else 1)
    wanted = levels.transpose(1, 2, 0) if delivered.ndim == 3 else levels[0]
    noise = float(np.mean((delivered.astype(np.float64) - wanted) ** 2))
    return 10 * math.log10(255**2 / noise) if noise else math.inf
