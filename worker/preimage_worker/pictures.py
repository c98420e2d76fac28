"""Pictures as arrays: decoding, resizing, and PNG, exactly as GetModel tells clients to do it."""

import atexit
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Self, final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from preimage_pictures import Bounds, Decoder, Fault, PictureError
from preimage_worker.errors import InvalidSpecError
from preimage_worker.settings import Settings

RESAMPLING = "BILINEAR"
"""Pillow's name of the filter that resizes pictures; announced with every model."""
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of R, G and B in a grey picture (ITU-R BT.601)."""

SHOWN_CHANNELS = frozenset({1, 3})
"""Of pictures that a PNG can hold here: grey and RGB."""

Pixels = NDArray[np.uint8]


@final
@dataclass(frozen=True)
class Limits:
    """Largest pictures, in pixels."""

    sent: int
    """That a caller may send."""
    sought: int
    """That a representation may see, and that is looked for."""
    seconds: int = 10
    """Of a processor's time, that decoding one may take."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Those of a worker."""
        return cls(
            settings.maximum_picture_pixels,
            settings.maximum_pixels,
            settings.maximum_picture_seconds,
        )


def decode(data: bytes, limits: Limits) -> Pixels:
    """An encoded picture as RGB `(height, width, 3)`; raises InvalidSpecError."""
    try:
        decoded = _decoder(Bounds(limits.sent, limits.seconds)).rgb(data)
    except PictureError as error:
        if error.fault is Fault.TOO_LARGE:
            check_sent(error.height, error.width, limits)
        raise InvalidSpecError(f"The picture {error}.") from None
    return np.frombuffer(decoded.rgb, np.uint8).reshape(decoded.height, decoded.width, 3)


@cache
def _decoder(bounds: Bounds) -> Decoder:
    """The one of this process: pictures are taken in by one thread, so one child is enough."""
    decoder = Decoder(bounds)
    atexit.register(decoder.close)
    return decoder


def check_sent(height: int, width: int, limits: Limits) -> None:
    """Raises InvalidSpecError for a picture that is larger than a caller may send."""
    _check(height, width, limits.sent, "PREIMAGE_MAXIMUM_PICTURE_PIXELS")


def check_sought(height: int, width: int, limits: Limits) -> None:
    """Raises InvalidSpecError for a picture that is larger than what is looked for."""
    _check(height, width, limits.sought, "PREIMAGE_MAXIMUM_PIXELS")


def _check(height: int, width: int, most: int, setting: str) -> None:
    if min(height, width) < 1:
        raise InvalidSpecError(f"A picture of {height} × {width} pixels is none.")
    if height * width > most:
        raise InvalidSpecError(
            f"A picture of {height} × {width} pixels is larger than this worker's limit of {most} "
            f"pixels ({setting})."
        )


def as_rgb(pixels: Pixels) -> Pixels:
    """`(height, width)` or `(height, width, 3)` as RGB."""
    return np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else pixels  # noqa: PLR2004


def resize(pixels: Pixels, height: int, width: int) -> Pixels:
    """RGB pixels resized, not cropped; the same pixels where the size is right already."""
    if pixels.shape[:2] == (height, width):
        return pixels
    filter_ = Image.Resampling[RESAMPLING]
    return np.asarray(Image.fromarray(pixels).resize((width, height), filter_))


def to_levels(pixels: Pixels, channels: int) -> NDArray[np.float32]:
    """RGB pixels as grey levels 0…255, `(channels, height, width)`; 1 channel is the luma."""
    levels = pixels.astype(np.float32)
    if channels == 1:
        return (levels @ LUMA)[None]
    return np.ascontiguousarray(levels.transpose(2, 0, 1))


def to_pixels(levels: NDArray[np.float32]) -> Pixels:
    """Grey levels `(channels, height, width)`, clipped and rounded, as `(height, width[, 3])`."""
    pixels = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0))


def png(pixels: Pixels) -> bytes:
    """The pixels as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def canvas(levels: NDArray[np.float32], mean: Sequence[float]) -> NDArray[np.float32]:
    """Grey levels minus the mean of each channel."""
    return levels - np.asarray(mean, dtype=np.float32)[:, None, None]
