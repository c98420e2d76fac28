"""Pictures in the forms in which callers have them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from PIL import Image, UnidentifiedImageError

from preimage.errors import BadInput
from preimage.files import read_file

if TYPE_CHECKING:
    from preimage.reconstructions import Pixels


class SupportsArray(Protocol):
    """What numpy can turn into an array: its own, and those of torch and jax on the CPU."""

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray[Any, Any]: ...


PictureSource: TypeAlias = str | Path | bytes | Image.Image | SupportsArray
"""A picture: the path of a file, the bytes of one, a PIL image, or a uint8 array of shape
(height, width, 3) or (height, width)."""

_SENT_AS_THEY_ARE = ("PNG", "JPEG", "WEBP")
_EIGHT_BIT_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "LAB"}


def open_picture(source: PictureSource) -> Image.Image:
    """Decodes to 8-bit RGB: transparency is dropped, grey and palette pictures become RGB.

    Raises:
        BadInput: it cannot be read, or is no 8-bit picture.
    """
    if isinstance(source, Image.Image):
        return _rgb(source)
    if isinstance(source, str | Path):
        return _decode(read_file(source), str(source))
    if isinstance(source, bytes):
        return _decode(source, "These bytes")
    return _rgb(Image.fromarray(pixels_of(np.asarray(source))))


def encoded_or_pixels(source: PictureSource, maximum_encoded_bytes: int) -> bytes | Pixels:
    """Returns a picture in the form in which it is sent.

    A PNG, JPEG or WebP file goes as it is, if it is small enough for one message; everything else
    as pixels, which can be sent ahead in chunks.

    Raises:
        BadInput: it cannot be read, or is no 8-bit picture.
    """
    if isinstance(source, str | Path | bytes):
        name = "These bytes" if isinstance(source, bytes) else str(source)
        data = source if isinstance(source, bytes) else read_file(source)
        small = len(data) <= maximum_encoded_bytes
        if small and _format(data, name) in _SENT_AS_THEY_ARE:
            return data
        return np.asarray(_decode(data, name))
    if isinstance(source, Image.Image):
        return np.asarray(source if source.mode == "L" else _rgb(source))
    return pixels_of(np.asarray(source))


def pixels_of(array: np.ndarray[Any, Any]) -> Pixels:
    """Checks that an array holds pixels: uint8, (height, width, 3) or (height, width).

    Raises:
        BadInput: it does not.
    """
    grey, colour = array.ndim == 2, array.ndim == 3 and array.shape[-1] == 3  # noqa: PLR2004 RGB
    if array.dtype == np.uint8 and (grey or colour) and array.size:
        return array
    raise BadInput(
        f"An array of {array.dtype} and shape {array.shape} is no picture: pixels are uint8, "
        "(height, width, 3) or (height, width)."
    )


def _decode(data: bytes, name: str) -> Image.Image:
    with _opened(data, name) as image:
        try:
            return _rgb(image)
        except OSError as error:
            raise BadInput(f"{name} cannot be decoded: {error}.") from error


def _format(data: bytes, name: str) -> str | None:
    with _opened(data, name) as image:
        _check_depth(image)
        return image.format


def _opened(data: bytes, name: str) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data))
    except Image.DecompressionBombError as error:
        raise BadInput(f"{name} cannot be decoded: {error}") from error
    except (UnidentifiedImageError, OSError) as error:
        raise BadInput(
            f"{name} cannot be read as a picture. A code is a .npy or .safetensors file."
        ) from error


def _rgb(image: Image.Image) -> Image.Image:
    _check_depth(image)
    return image.convert("RGB")


def _check_depth(image: Image.Image) -> None:
    if image.mode not in _EIGHT_BIT_MODES:
        raise BadInput(
            f"A picture of Pillow's mode {image.mode!r} has no 8-bit channels. Scale it to 0…255 "
            "and convert it to 8 bits first."
        )
