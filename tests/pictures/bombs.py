"""Small files that ask a decoder for a lot of time or memory, and pictures of every odd kind."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO

import numpy as np
from PIL import Image

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def saved(kind: str, mode: str = "RGB", side: int = 16, **options: object) -> bytes:
    """An honest file of a smooth picture."""
    ramp = np.linspace(0, 255, side * side).astype(np.uint8).reshape(side, side)
    file = BytesIO()
    Image.fromarray(ramp).convert(mode).save(file, kind, **options)  # type: ignore[arg-type]
    return file.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    """A chunk of a PNG, with its checksum."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_claiming(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds almost nothing."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return PNG_SIGNATURE + body


def png_with(*extra: bytes) -> bytes:
    """An honest PNG with further chunks behind its header."""
    data = saved("PNG")
    head = len(PNG_SIGNATURE) + 25
    return data[:head] + b"".join(extra) + data[head:]


def text_bomb(name: bytes, megabytes: int = 64) -> bytes:
    """A PNG with metadata that unpack to a thousand times their size."""
    packed = zlib.compress(bytes(megabytes * 2**20), 9)
    heads = {b"zTXt": b"k\0\0", b"iTXt": b"k\0\1\0\0\0", b"iCCP": b"k\0\0"}
    return png_with(chunk(name, heads[name] + packed))


def jpeg_with(*segments: bytes) -> bytes:
    """An honest JPEG with further segments behind its start."""
    data = saved("JPEG")
    return data[:2] + b"".join(segments) + data[2:]


def segment(marker: int, body: bytes) -> bytes:
    """A segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def piled_exif(count: int = 200_000) -> bytes:
    """A JPEG whose metadata come in very many parts, each of which is added to all before it."""
    return jpeg_with(segment(0xE1, b"Exif\0\0" + bytes(16)) * count)


def many_scans(side: int = 4096, count: int = 20_000) -> bytes:
    """A progressive JPEG whose scans are a few bytes each, and each goes over the whole picture."""
    flat = BytesIO()
    Image.new("L", (side, side), 128).save(flat, "JPEG", progressive=True)
    data = flat.getvalue()
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * count + data[-2:]


def claiming(data: bytes, width: int, height: int) -> bytes:
    """A JPEG that claims another size than it has."""
    at = next(data.index(marker) for marker in (b"\xff\xc0", b"\xff\xc2") if marker in data)
    return data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]


def animated(kind: str, frames: int = 30) -> bytes:
    """A file of many frames."""
    pictures = [Image.new("RGB", (16, 16), (8 * number, 0, 0)) for number in range(frames)]
    file = BytesIO()
    pictures[0].save(file, kind, save_all=True, append_images=pictures[1:])
    return file.getvalue()


ODD: dict[str, Callable[[], bytes]] = {
    "animated PNG": lambda: animated("PNG"),
    "animated WebP": lambda: animated("WEBP"),
    "CMYK JPEG": lambda: saved("JPEG", "CMYK"),
    "grey JPEG": lambda: saved("JPEG", "L"),
    "progressive JPEG": lambda: saved("JPEG", progressive=True),
    "palette PNG": lambda: saved("PNG", "P"),
    "bilevel PNG": lambda: saved("PNG", "1"),
    "PNG with alpha": lambda: saved("PNG", "RGBA"),
    "grey PNG with alpha": lambda: saved("PNG", "LA"),
    "lossless WebP": lambda: saved("WEBP", lossless=True),
    "WebP with alpha": lambda: saved("WEBP", "RGBA"),
}
"""Unusual, and right: they are decoded."""

HOSTILE: dict[str, Callable[[], bytes]] = {
    "huge PNG": lambda: png_claiming(100_000, 100_000),
    "largest PNG": lambda: png_claiming(2**31 - 1, 2**31 - 1),
    "PNG of one row": lambda: png_claiming(2**31 - 1, 1),
    "JPEG that claims to be huge": lambda: claiming(saved("JPEG"), 65_535, 65_535),
    "empty PNG of 25 megapixels": lambda: png_claiming(5000, 5000),
    "16-bit grey PNG": lambda: saved("PNG", "I;16"),
    "zTXt bomb": lambda: text_bomb(b"zTXt"),
    "iTXt bomb": lambda: text_bomb(b"iTXt"),
    "many zTXt bombs": lambda: png_with(
        *[chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(2**20 - 1), 9))] * 200
    ),
    "piled EXIF": piled_exif,
    "many scans": many_scans,
}
"""Refused, each with a sentence."""

SLOW = frozenset({"piled EXIF", "many scans"})
"""Of them, those that would keep a processor busy for minutes or hours."""
