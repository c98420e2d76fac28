"""Pictures from the wire: encoded files and raw pixels.

The header decides before anything is decoded; then the whole file is decoded once, so that a broken
one is refused here, with a sentence, and not minutes later in a worker. Only the size is kept.
"""

from collections.abc import Iterator
from io import BytesIO

from PIL import Image

from preimage.v1.tensor_pb2 import DataType, Tensor, TensorReference
from preimage_service.checks.shapes import Size
from preimage_service.errors import Violation

FORMATS = ("PNG", "JPEG", "WEBP")
PIXEL_TYPES = frozenset({DataType.DATA_TYPE_UINT8})
_RGB = 3
_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF")
_WEBP_HEADER_BYTES = 30

# The limit of `read_encoded` is stricter, and this one would warn or raise by itself.
Image.MAX_IMAGE_PIXELS = None


def check_pixels(pixels: Tensor | TensorReference, most: int, path: str) -> Iterator[Violation]:
    """That a tensor has the shape of a picture."""
    shape = list(pixels.shape)
    if len(shape) not in (2, 3) or shape[2:] not in ([], [_RGB]):
        yield Violation(f"{path}.shape", "must be (height, width, 3) or (height, width)")
    elif shape[0] >= 1 and shape[1] >= 1 and shape[0] * shape[1] > most:
        yield Violation(f"{path}.shape", _too_many(shape[1], shape[0], most))


def read_encoded(data: bytes, most_pixels: int, path: str) -> tuple[Size | None, list[Violation]]:
    """Size of an encoded picture, or what is wrong with it. Slow: decodes it; call in a thread."""
    if not data.startswith(_SIGNATURES):
        return None, [Violation(path, "is not a PNG, JPEG or WebP file")]
    try:
        return _decode(data, most_pixels, path)
    except Exception as error:  # noqa: BLE001  Pillow's parsers raise whatever the bytes lead them to
        kind = "truncated" if "truncated" in str(error) else "broken"
        return None, [Violation(path, f"is a {kind} file: it cannot be decoded; encode it again")]


def _decode(data: bytes, most: int, path: str) -> tuple[Size | None, list[Violation]]:
    early = _webp_size(data)
    if early is not None and early.pixels > most:
        return None, [Violation(path, _too_many(early.width, early.height, most))]
    with Image.open(BytesIO(data), formats=FORMATS) as picture:
        size = Size(picture.height, picture.width)
        if size.pixels > most:
            return None, [Violation(path, _too_many(size.width, size.height, most))]
        picture.load()
        return size, []


def _webp_size(data: bytes) -> Size | None:
    """Canvas of a WebP file, from its header: Pillow's decoder allocates it as soon as it is made.

    Source: RFC 9649, sections 2.5 to 2.7.
    """
    head = data[:_WEBP_HEADER_BYTES]
    if len(head) < _WEBP_HEADER_BYTES or head[8:12] != b"WEBP":
        return None
    if head[12:16] == b"VP8X":
        width, height = (int.from_bytes(head[at : at + 3], "little") + 1 for at in (24, 27))
        return Size(height, width)
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return Size((bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1)
    width, height = (int.from_bytes(head[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    return Size(height, width)


def _too_many(width: int, height: int, most: int) -> str:
    return f"has {width} × {height} pixels; this server decodes at most {most}: scale it down"
