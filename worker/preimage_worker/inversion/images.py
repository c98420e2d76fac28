"""Between pictures of 0..255 and canvases, which have the representation's mean taken off."""

import torch
from torch import Tensor


def to_canvas(pixels: Tensor, mean: tuple[float, ...]) -> Tensor:
    """Pictures `(…, channels, height, width)` of 0..255, of any dtype, as float32 canvases."""
    return pixels.float() - _per_channel(mean, pixels)


def to_pixels(canvas: Tensor, mean: tuple[float, ...]) -> Tensor:
    """Canvases as the 8 bits that are delivered: mean added, clipped to 0..255, rounded, uint8.

    Elements that are not numbers become 0: what is delivered is always a picture.
    """
    grey_levels = torch.nan_to_num(canvas + _per_channel(mean, canvas))
    return grey_levels.clamp(0, 255).round().to(torch.uint8)


def _per_channel(mean: tuple[float, ...], like: Tensor) -> Tensor:
    return torch.tensor(mean, dtype=torch.float32, device=like.device)[:, None, None]
