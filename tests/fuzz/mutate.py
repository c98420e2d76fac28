"""Mutated bytes: what damage, and what malice, make of something valid."""

import struct
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

MOST_BYTES: Final = 2**16
"""Of a mutated input: long enough for every parser, short enough for many a second."""

WHOLE: Final = (0, 1, -1, 127, 128, 255, 2**16, 2**31 - 1, 2**31, -(2**31), 2**63 - 1, -(2**63))
FLOATS: Final = (
    0.0,
    -0.0,
    1.0,
    -1.0,
    float("nan"),
    float("inf"),
    float("-inf"),
    5e-324,
    1e-45,
    1e-38,
    3.4e38,
    3.5e38,
    1e308,
)
_WORDS: Final = (
    *(struct.pack("<i", number) for number in (0, -1, 1, 2**31 - 1, -(2**31))),
    *(struct.pack(">i", number) for number in (0, -1, 1, 2**31 - 1, -(2**31))),
    *(struct.pack("<q", number) for number in (0, -1, 2**63 - 1)),
    *(struct.pack("<f", number) for number in (float("nan"), float("inf"), 1e-45)),
    b"\xff" * 10,
    b"\x00",
    b"\xff",
    b"\xc3\x28",
    b"[" * 3000,
    b"9" * 400,
    b"{",
    b"}",
    b'"',
    b"=",
    b"\n",
)

Change = Callable[[Random, bytearray], None]


def _flip(dice: Random, data: bytearray) -> None:
    at = dice.randrange(len(data))
    data[at] ^= 1 << dice.randrange(8)


def _overwrite(dice: Random, data: bytearray) -> None:
    at, word = dice.randrange(len(data)), dice.choice(_WORDS)
    data[at : at + len(word)] = word


def _insert(dice: Random, data: bytearray) -> None:
    at = dice.randrange(len(data) + 1)
    data[at:at] = dice.choice(_WORDS)


def _cut(dice: Random, data: bytearray) -> None:
    at = dice.randrange(len(data))
    del data[at : at + dice.randrange(1, 1 + max(len(data) // 4, 1))]


def _truncate(dice: Random, data: bytearray) -> None:
    del data[dice.randrange(len(data)) :]


def _repeat(dice: Random, data: bytearray) -> None:
    begin = dice.randrange(len(data))
    part = data[begin : begin + dice.randrange(1, 64)]
    data[begin:begin] = part * dice.choice((1, 2, 30))


_CHANGES: Final[tuple[Change, ...]] = (_flip, _flip, _overwrite, _insert, _cut, _truncate, _repeat)


def mutated(dice: Random, data: bytes, others: Sequence[bytes] = ()) -> bytes:
    """Bytes with one to six things wrong, at times with the end of something else."""
    changed = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 3, 6))):
        if not changed:
            changed += dice.randbytes(8)
        dice.choice(_CHANGES)(dice, changed)
    if others and dice.random() < 0.1:
        other = dice.choice(others)
        changed[dice.randrange(len(changed) + 1) :] = other[dice.randrange(len(other) + 1) :]
    return bytes(changed[:MOST_BYTES])
