"""Pictures that are no pictures, too large, cut short, or of a format that is not taken."""

import struct
import zlib
from io import BytesIO

import grpc
import pytest
from PIL import Image

from preimage_queue import QueueSettings
from tests.pictures.bombs import HOSTILE
from tests.service.rich import refused
from tests.service.specs import create, from_picture, png
from tests.service.stack import Stack, running
from tests.service.worker import FakeWorker

FIELD = "spec.target.picture.encoded"


def _png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds almost nothing."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = b"IDAT" + zlib.compress(b"\0")
    chunks = [
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in (head, body, b"IEND")
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _webp_header(kind: bytes, width: int, height: int) -> bytes:
    """A WebP of each of the three kinds that claims a size."""
    if kind == b"VP8X":
        size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        body = bytes(4) + size
    elif kind == b"VP8L":
        body = b"\x2f" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little") + bytes(16)
    else:
        body = b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height) + bytes(16)
    chunk = kind + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def _saved(kind: str) -> bytes:
    file = BytesIO()
    Image.new("RGB", (20, 20)).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        _png_header(100_000, 100_000),
        _png_header(2**31 - 1, 2**31 - 1),
        _webp_header(b"VP8X", 2**24, 2**24),
        _webp_header(b"VP8L", 16384, 16384),
        _webp_header(b"VP8 ", 16383, 16383),
    ],
    ids=["png", "largest png", "webp canvas", "lossless webp", "lossy webp"],
)
async def test_the_header_of_a_bomb_is_enough_to_refuse_it(
    stack: Stack, worker: FakeWorker, data: bytes
) -> None:
    error = await refused(stack.preimages.CreatePreimage(create(from_picture(data))))
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert "pixels" in error.fields[FIELD]
    assert "33554432" in error.fields[FIELD]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_a_truncated_file_is_refused(stack: Stack, worker: FakeWorker, kind: str) -> None:
    data = png(64, 64, kind)
    error = await refused(
        stack.preimages.CreatePreimage(create(from_picture(data[: len(data) * 2 // 3])))
    )
    assert "cannot be decoded" in error.fields[FIELD]


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "PPM"])
async def test_other_formats_are_refused(stack: Stack, worker: FakeWorker, kind: str) -> None:
    error = await refused(stack.preimages.CreatePreimage(create(from_picture(_saved(kind)))))
    assert error.fields[FIELD] == "is not a PNG, JPEG or WebP file"


@pytest.mark.parametrize(
    "data",
    [b"RIFF\0\0\0\0WEBP", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF" + bytes(100), b"?"],
)
async def test_a_signature_alone_is_no_picture(
    stack: Stack, worker: FakeWorker, data: bytes
) -> None:
    error = await refused(stack.preimages.CreatePreimage(create(from_picture(data))))
    assert list(error.fields) == [FIELD]


async def test_damage_anywhere_in_a_file_never_breaks_the_server(
    stack: Stack, worker: FakeWorker
) -> None:
    for kind in ("PNG", "JPEG", "WEBP"):
        data = png(16, 16, kind)
        for at in range(0, len(data), max(len(data) // 40, 1)):
            broken = bytearray(data)
            broken[at] ^= 0xFF
            try:
                await stack.preimages.CreatePreimage(create(from_picture(bytes(broken))))
            except grpc.aio.AioRpcError as error:
                assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, (kind, at)  # noqa: PT017  either end is right


async def test_hostile_pictures_are_refused_with_a_sentence_and_the_server_goes_on(
    queue_settings: QueueSettings, worker: FakeWorker
) -> None:
    async with running(queue_settings, maximum_picture_seconds=1) as stack:
        for name, make in HOSTILE.items():
            call = stack.preimages.CreatePreimage(create(from_picture(make())))
            error = await refused(call)
            assert error.code is grpc.StatusCode.INVALID_ARGUMENT, name
            assert error.fields[FIELD].startswith(("is ", "has ", "takes ")), name
        await stack.preimages.CreatePreimage(create(from_picture()))
