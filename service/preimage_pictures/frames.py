"""What parent and child say to each other: fixed headers, then bytes."""

import struct
from collections.abc import Iterator
from typing import IO, NamedTuple

from PIL import Image

from preimage_pictures.errors import Fault

READY = b"R"
"""What a child says once it can work, within its bounds."""
_REQUEST = struct.Struct("<?Q")
_ANSWER = struct.Struct("<BIIQ")
_FAULTS = tuple(Fault)
_STRIP_BYTES = 2**20


class Answer(NamedTuple):
    """What a child found: a picture, or what is wrong with it."""

    fault: Fault | None
    height: int = 0
    width: int = 0
    rgb: bytes = b""


def write_request(stream: IO[bytes], data: bytes, *, wants_pixels: bool) -> None:
    """Ask for a picture, or for its size alone."""
    stream.write(_REQUEST.pack(wants_pixels, len(data)))
    stream.write(data)
    stream.flush()


def read_request(stream: IO[bytes]) -> tuple[bytes, bool] | None:
    """A file, and whether its pixels are wanted; None once the parent is gone."""
    head = stream.read(_REQUEST.size)
    if len(head) < _REQUEST.size:
        return None
    wants_pixels, length = _REQUEST.unpack(head)
    data = stream.read(length)
    return (data, wants_pixels) if len(data) == length else None


def write_picture(stream: IO[bytes], picture: Image.Image, *, wants_pixels: bool) -> None:
    """Answer with an RGB picture, a strip of it at a time: never a second copy of the whole."""
    width, height = picture.size
    total = width * height * 3 if wants_pixels else 0
    stream.write(_ANSWER.pack(0, height, width, total))
    stream.writelines(_strips(picture) if wants_pixels else ())
    stream.flush()


def write_fault(stream: IO[bytes], fault: Fault, height: int = 0, width: int = 0) -> None:
    """Answer with what is wrong."""
    stream.write(_ANSWER.pack(1 + _FAULTS.index(fault), height, width, 0))
    stream.flush()


def read_answer(stream: IO[bytes]) -> Answer | None:
    """The child's answer; None if it died over the picture."""
    head = stream.read(_ANSWER.size)
    if len(head) < _ANSWER.size:
        return None
    number, height, width, length = _ANSWER.unpack(head)
    rgb = stream.read(length)
    if len(rgb) < length:
        return None
    return Answer(_FAULTS[number - 1] if number else None, height, width, rgb)


def _strips(picture: Image.Image) -> Iterator[bytes]:
    width, height = picture.size
    rows = max(_STRIP_BYTES // (3 * width), 1)
    for top in range(0, height, rows):
        yield picture.crop((0, top, width, min(top + rows, height))).tobytes()
