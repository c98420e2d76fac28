"""Bytes that are no call at all, on every port, from many connections at once.

Each kind opens connections, sends what it sends, and leaves them as a hostile caller would: open,
half way through. Afterwards the frontend must answer, and must have let go of what it took.
"""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from random import Random
from typing import Final

from tests.fuzz import http2
from tests.fuzz.http2 import CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, RST, frame

GET_MODEL: Final = "/preimage.v1.ModelService/GetModel"
LIST_MODELS: Final = "/preimage.v1.ModelService/ListModels"
UPLOAD: Final = "/preimage.v1.PreimageService/UploadTensor"
_PATIENCE_SECONDS: Final = 5.0

Attack = Callable[[Random], bytes]


def _random(dice: Random) -> bytes:
    return dice.randbytes(dice.choice((1, 20, 5000)))


def _random_frames(dice: Random) -> bytes:
    frames = [
        frame(
            dice.randrange(12),
            dice.randrange(256),
            dice.choice((0, 1, 2, 3, 2**31 - 1)),
            dice.randbytes(dice.choice((0, 4, 5, 8, 100))),
        )
        for _ in range(20)
    ]
    return http2.PREFACE + http2.settings() + b"".join(frames)


def _lying_lengths(dice: Random) -> bytes:
    head = struct.pack(">I", 2**24 - 1)[1:] + bytes([DATA, 0]) + struct.pack(">I", 1)
    return http2.PREFACE + http2.settings() + head + dice.randbytes(1000)


def _huge_settings(_dice: Random) -> bytes:
    pairs = [(number, 2**32 - 1) for number in range(1, 5000)]
    return http2.PREFACE + b"".join(http2.settings(*pairs[:2700]) for _ in range(50))


def _settings_flood(_dice: Random) -> bytes:
    return http2.PREFACE + http2.settings((3, 100)) * 20_000


def _ping_flood(_dice: Random) -> bytes:
    return http2.PREFACE + http2.settings() + frame(http2.PING, body=bytes(8)) * 20_000


def _headers_flood(_dice: Random) -> bytes:
    """Very many calls at once, none of which ever ends."""
    block = http2.call_headers(GET_MODEL)
    opened = (frame(HEADERS, END_HEADERS, 2 * n + 1, block) for n in range(5000))
    return http2.PREFACE + http2.settings() + b"".join(opened)


def _rapid_reset(_dice: Random) -> bytes:
    """Calls that are taken back as soon as they are made (CVE-2023-44487)."""
    block, taken_back = http2.call_headers(LIST_MODELS), struct.pack(">I", 8)
    return (
        http2.PREFACE
        + http2.settings()
        + b"".join(
            frame(HEADERS, END_HEADERS | END_STREAM, 2 * n + 1, block)
            + frame(RST, 0, 2 * n + 1, taken_back)
            for n in range(10_000)
        )
    )


def _continuation_flood(_dice: Random) -> bytes:
    """Headers that never end (CVE-2024-27316)."""
    more = b"".join(http2.header(f"x{n}", "y" * 200) for n in range(70))
    start = frame(HEADERS, 0, 1, http2.call_headers(GET_MODEL))
    return http2.PREFACE + http2.settings() + start + frame(CONTINUATION, 0, 1, more) * 1000


def _many_headers(_dice: Random) -> bytes:
    block = http2.call_headers(GET_MODEL) + http2.header("x", "y") * 3000
    return http2.PREFACE + http2.settings() + frame(HEADERS, END_HEADERS, 1, block[:16_000])


def _broken_compression(dice: Random) -> bytes:
    block = http2.call_headers(GET_MODEL)[:40] + dice.randbytes(60)
    return http2.PREFACE + http2.settings() + frame(HEADERS, END_HEADERS, 1, block)


def _gzip_bomb(_dice: Random) -> bytes:
    """A message of 400 MB that travels as 400 KB."""
    block = http2.call_headers(GET_MODEL, grpc_encoding="gzip")
    body = http2.message(_BOMB, compressed=True)
    parts = [body[at : at + 16_000] for at in range(0, len(body), 16_000)]
    data = b"".join(frame(DATA, 0, 1, part) for part in parts[:-1])
    whole = data + frame(DATA, END_STREAM, 1, parts[-1])
    return http2.PREFACE + http2.settings() + frame(HEADERS, END_HEADERS, 1, block) + whole


def _promised_message(_dice: Random) -> bytes:
    """A message that says that it has 2 GB, and a few bytes of it."""
    block = http2.call_headers(UPLOAD)
    lie = struct.pack(">BI", 0, 2**31 - 1) + bytes(100)
    opened = frame(HEADERS, END_HEADERS, 1, block) + frame(DATA, 0, 1, lie)
    return http2.PREFACE + http2.settings() + opened


def _half_a_call(dice: Random) -> bytes:
    """The beginning of an honest call, cut anywhere: a slow caller."""
    block = http2.call_headers(GET_MODEL)
    body = frame(DATA, END_STREAM, 1, http2.message(b"\x0a\x03toy"))
    whole = http2.PREFACE + http2.settings() + frame(HEADERS, END_HEADERS, 1, block) + body
    return whole[: dice.randrange(len(whole))]


def _http1(dice: Random) -> bytes:
    line = dice.choice((b"GET /metrics HTTP/1.1", b"POST / HTTP/1.0", b"GET /" + b"a" * 70_000))
    return line + b"\r\n" + b"".join(b"x%d: y\r\n" % n for n in range(dice.choice((1, 99, 2000))))


def _http1_long_header(_dice: Random) -> bytes:
    return b"GET /metrics HTTP/1.1\r\nx: " + b"y" * 2_000_000


def _http1_body(_dice: Random) -> bytes:
    return b"POST /metrics HTTP/1.1\r\ncontent-length: 2000000000\r\n\r\n" + bytes(1_000_000)


_BOMB: Final = http2.bomb(400)

KINDS: Final[dict[str, tuple[Attack, int]]] = {
    "random bytes": (_random, 100),
    "random frames": (_random_frames, 100),
    "lengths that lie": (_lying_lengths, 50),
    "huge settings": (_huge_settings, 10),
    "flood of settings": (_settings_flood, 5),
    "flood of pings": (_ping_flood, 5),
    "flood of headers": (_headers_flood, 4),
    "rapid reset": (_rapid_reset, 4),
    "flood of continuations": (_continuation_flood, 5),
    "many headers": (_many_headers, 20),
    "broken compression of headers": (_broken_compression, 50),
    "gzip bomb": (_gzip_bomb, 10),
    "promised message": (_promised_message, 50),
    "half a call": (_half_a_call, 200),
    "HTTP/1": (_http1, 100),
    "HTTP/1 with an endless header": (_http1_long_header, 10),
    "HTTP/1 with a body": (_http1_body, 10),
}
"""What is sent, and over how many connections at once."""


def attack(address: str, kind: str, seed: int) -> int:
    """Send one kind of garbage to an address and go away; how many connections were taken."""
    make, count = KINDS[kind]
    dice = Random(f"{seed} {kind}")
    with ExitStack() as opened:
        connected = list(_connections(address, count, opened))
        for each in connected:
            _send(each, make(dice))
        for each in connected:
            _read_some(each)
    return len(connected)


def _connections(address: str, count: int, opened: ExitStack) -> Iterator[socket.socket]:
    host, _, port = address.rpartition(":")
    for _ in range(count):
        with suppress(OSError):
            yield opened.enter_context(socket.create_connection((host, int(port)), 10))


def _send(connection: socket.socket, data: bytes) -> None:
    connection.settimeout(_PATIENCE_SECONDS)
    with suppress(OSError):  # a server that hangs up has understood
        connection.sendall(data)


def _read_some(connection: socket.socket) -> None:
    connection.settimeout(0.01)
    with suppress(OSError):
        connection.recv(65536)
