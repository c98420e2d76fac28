"""Caffe models as bytes, written by the wire format's rules, without the product's message."""

import struct
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Weights = Mapping[str, Sequence[Array]]

_LENGTH_DELIMITED = 2


def v2(weights: Weights, *, doubles: bool = False) -> bytes:
    """The present form: `layer` = 100, shapes as BlobShape; with an unread field in each layer."""
    return b"".join(
        _bytes(100, _text(1, name) + _text(2, "Type") + _blobs(7, arrays, doubles=doubles))
        for name, arrays in weights.items()
    )


def v1(weights: Weights) -> bytes:
    """The form before it: `layers` = 2, four axes to every blob, numbers not packed."""
    return _text(1, "net") + b"".join(
        _bytes(2, _text(4, name) + b"".join(_bytes(6, _old_blob(array)) for array in arrays))
        for name, arrays in weights.items()
    )


def _blobs(number: int, arrays: Iterable[Array], *, doubles: bool) -> bytes:
    return b"".join(_bytes(number, _new_blob(array, doubles=doubles)) for array in arrays)


def _new_blob(array: Array, *, doubles: bool) -> bytes:
    dims = b"".join(_varint(extent) for extent in array.shape)
    numbers = _bytes(8, array.astype("<f8").tobytes()) if doubles else _bytes(5, _packed(array))
    # A packed diff (field 6), as a snapshot of training has it.
    return _bytes(7, _bytes(1, dims)) + numbers + _bytes(6, struct.pack("<f", 9.0))


def _old_blob(array: Array) -> bytes:
    shape = (1,) * (4 - array.ndim) + array.shape
    axes = b"".join(_varint(number << 3) + _varint(n) for number, n in enumerate(shape, 1))
    if array.size > 10_000:
        return axes + _bytes(5, _packed(array))
    one_by_one = (_varint(5 << 3 | 5) + struct.pack("<f", value) for value in array.ravel())
    return axes + b"".join(one_by_one)


def _packed(array: Array) -> bytes:
    return array.astype("<f4").tobytes()


def _text(number: int, text: str) -> bytes:
    return _bytes(number, text.encode())


def _bytes(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))
