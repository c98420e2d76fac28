"""Between canvases and pictures."""

from torch import Tensor


def to_canvas(pixels: Tensor, mean: tuple[float, ...]) -> Tensor:
    """Pictures `(…, channels, height, width)` of 0..255 (any dtype) as float32 canvases."""
    raise NotImplementedError


def to_pixels(canvas: Tensor, mean: tuple[float, ...]) -> Tensor:
    """Canvases as the 8 bits that are delivered: mean added, clipped to 0..255, rounded, uint8."""
    raise NotImplementedError
