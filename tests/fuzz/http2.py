"""HTTP/2 frames by hand (RFC 9113): as much as it takes to send what no library would."""

import gzip
import struct
from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST, SETTINGS, PING, WINDOW, CONTINUATION = 0, 1, 3, 4, 6, 8, 9
END_STREAM, END_HEADERS = 1, 4


def frame(kind: int, flags: int = 0, stream: int = 0, body: bytes = b"") -> bytes:
    """A frame; its length is as it should be."""
    return (
        struct.pack(">I", len(body))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + body
    )


def settings(*pairs: tuple[int, int]) -> bytes:
    """A SETTINGS frame."""
    return frame(SETTINGS, body=b"".join(struct.pack(">HI", *pair) for pair in pairs))


def header(name: str, value: str) -> bytes:
    """A header field, neither compressed nor remembered (RFC 7541, 6.2.2)."""
    return b"\0" + _text(name) + _text(value)


def _text(text: str) -> bytes:
    data = text.encode()
    return _length(len(data)) + data


def _length(number: int) -> bytes:
    if number < 127:
        return bytes([number])
    number -= 127
    parts = bytearray([127])
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def call_headers(path: str, **more: str) -> bytes:
    """What a gRPC call begins with."""
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": "x",
        "te": "trailers",
        "content-type": "application/grpc",
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    return b"".join(header(name, value) for name, value in fields.items())


def message(body: bytes, *, compressed: bool = False) -> bytes:
    """A message of gRPC."""
    return struct.pack(">?I", compressed, len(body)) + body


def bomb(megabytes: int) -> bytes:
    """Zeros, compressed to a thousandth."""
    return gzip.compress(bytes(megabytes * 2**20), 9)
