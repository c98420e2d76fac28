"""From the bytes of a file to pixels, with Pillow. Runs in the child only.

The header decides before anything is decoded.
"""

import warnings
from io import BytesIO
from typing import Final

# The three plugins by name: any other format stays unknown, whatever Pillow would bring along.
from PIL import Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from preimage_pictures.errors import Fault, PictureError

FORMATS: Final = tuple(
    plugin.format
    for plugin in (
        PngImagePlugin.PngImageFile,
        JpegImagePlugin.JpegImageFile,
        WebPImagePlugin.WebPImageFile,
    )
)
_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF")
_WEBP_HEADER_BYTES = 30
_DEEP = "I"
"""Modes in which Pillow keeps grey levels of 16 bits begin with it."""


def read_rgb(data: bytes, most_pixels: int) -> Image.Image:
    """The first frame of a file, decoded whole, as RGB.

    Raises:
        PictureError: it is no picture, is broken, or has too many pixels.
        MemoryError: it needs more memory than there is.
    """
    if not data.startswith(_SIGNATURES):
        raise PictureError(Fault.UNKNOWN)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _read(data, most_pixels)
    except (PictureError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001  Pillow's parsers raise whatever the bytes lead them to
        truncated = "truncated" in str(error)
        raise PictureError(Fault.TRUNCATED if truncated else Fault.BROKEN) from None


def _read(data: bytes, most: int) -> Image.Image:
    _check_pixels(_webp_size(data), most)
    with Image.open(BytesIO(data), formats=FORMATS) as picture:
        _check_pixels((picture.height, picture.width), most)
        if picture.mode.startswith(_DEEP):
            raise PictureError(
                Fault.DEEP
            )  # Pillow would clip it: whatever is above 255 turns white
        picture.load()
        return picture if picture.mode == "RGB" else picture.convert("RGB")


def _check_pixels(size: tuple[int, int] | None, most: int) -> None:
    if size is not None and size[0] * size[1] > most:
        raise PictureError(Fault.TOO_LARGE, *size, most)


def _webp_size(data: bytes) -> tuple[int, int] | None:
    """Height and width of a WebP file's canvas: Pillow allocates it as soon as it looks at one.

    Source: RFC 9649, sections 2.5 to 2.7.
    """
    head = data[:_WEBP_HEADER_BYTES]
    if len(head) < _WEBP_HEADER_BYTES or head[8:12] != b"WEBP":
        return None
    if head[12:16] == b"VP8X":
        width, height = (int.from_bytes(head[at : at + 3], "little") + 1 for at in (24, 27))
        return height, width
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1
    width, height = (int.from_bytes(head[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    return height, width
