"""Tensors from the wire: judged by their header first, by their elements afterwards.

A header costs nothing to check, so everything that it can tell is checked before a byte is looked
at. Elements are then read in blocks, so that the check of a tensor never holds a second copy of it.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from preimage.v1.preimage_service_pb2 import TensorHeader
from preimage.v1.tensor_pb2 import DataType, Tensor, TensorReference
from preimage_service.checks.shapes import elements
from preimage_service.errors import Violation

SIZES_BYTES = {
    DataType.DATA_TYPE_FLOAT32: 4,
    DataType.DATA_TYPE_FLOAT64: 8,
    DataType.DATA_TYPE_FLOAT16: 2,
    DataType.DATA_TYPE_BFLOAT16: 2,
    DataType.DATA_TYPE_UINT8: 1,
}
_STORED = {
    DataType.DATA_TYPE_FLOAT32: "<f4",
    DataType.DATA_TYPE_FLOAT64: "<f8",
    DataType.DATA_TYPE_FLOAT16: "<f2",
    DataType.DATA_TYPE_BFLOAT16: "<u2",
}
FLOATS = frozenset(_STORED)
_MOST_AXES = 8
_BLOCK_ELEMENTS = 2**18
_LEAST_NORM, _GREATEST_NORM = 1e-18, 1e18
"""Their squares are float32 numbers, and the data term divides by the square."""
_LEAST_VARIANCE, _GREATEST_VARIANCE = 1e-30, 1e30

Described = Tensor | TensorReference | TensorHeader
"""Messages that carry `dtype` and `shape`."""


def size_bytes(described: Described) -> int:
    """Bytes that a tensor of this (checked) type and shape has."""
    return SIZES_BYTES[described.dtype] * elements(described.shape)


def check_header(
    described: Described, path: str, allowed: frozenset[DataType.ValueType], most_bytes: int
) -> Iterator[Violation]:
    """Type and shape: known, allowed, and small enough."""
    if described.dtype not in allowed:
        names = ", ".join(sorted(DataType.Name(dtype) for dtype in allowed))
        yield Violation(f"{path}.dtype", f"must be one of {names}")
    yield from _check_extents(described.shape, f"{path}.shape")
    if _is_formed(described.shape):
        total = SIZES_BYTES.get(described.dtype, 1) * elements(described.shape)
        if total > most_bytes:
            yield Violation(
                f"{path}.shape",
                f"describes {_magnitude(total)} bytes; this server takes at most {most_bytes}",
            )


def _is_formed(shape: Sequence[int]) -> bool:
    """Whether the product of the extents is a number that a message can show."""
    return 1 <= len(shape) <= _MOST_AXES and min(shape) >= 1


def _check_extents(shape: Sequence[int], path: str) -> Iterator[Violation]:
    if not 1 <= len(shape) <= _MOST_AXES:
        yield Violation(path, f"has {len(shape)} axes; must have 1 to {_MOST_AXES}")
    if any(extent < 1 for extent in shape):
        yield Violation(path, "has an extent below 1")


def check_length(described: Described, length_bytes: int, path: str) -> Iterator[Violation]:
    """That there are as many bytes as type and shape say."""
    if described.dtype not in SIZES_BYTES or not _is_formed(described.shape):
        return
    expected = size_bytes(described)
    if length_bytes != expected:
        yield Violation(
            path,
            f"holds {length_bytes} bytes; {DataType.Name(described.dtype)} of this shape has"
            f" {_magnitude(expected)}",
        )


def check_elements(dtype: DataType.ValueType, data: bytes, path: str) -> Iterator[Violation]:
    """That a code is finite and has a norm that float32 can divide by. Slow: call in a thread."""
    total = 0.0
    with np.errstate(over="ignore", invalid="ignore"):  # the sum shows both
        for block in _blocks(dtype, data):
            total += float(np.sum(np.square(block, dtype=np.float64)))
            if not math.isfinite(total):
                break
    norm = math.sqrt(total) if math.isfinite(total) else math.inf
    if not math.isfinite(norm):
        yield Violation(path, "holds NaN, infinity, or numbers that float32 cannot hold")
    elif norm == 0.0:
        yield Violation(path, "is zero everywhere: no picture is nearer to it than any other")
    elif not _LEAST_NORM <= norm <= _GREATEST_NORM:
        yield Violation(path, f"has the norm {norm:g}; must be 1e-18 to 1e18: scale the code")


def check_variances(dtype: DataType.ValueType, data: bytes, path: str) -> Iterator[Violation]:
    """That every variance is a number that float32 can divide by. Slow: call in a thread."""
    for block in _blocks(dtype, data):
        if not np.all((block >= _LEAST_VARIANCE) & (block <= _GREATEST_VARIANCE)):
            yield Violation(path, "holds a variance that is not 1e-30 to 1e30: all must be above 0")
            return


def check_total(described: Sequence[tuple[str, Described]], most_bytes: int) -> Iterator[Violation]:
    """That the tensors of one job, by their paths, are small enough together."""
    total = 0
    for index, (path, each) in enumerate(described):
        if each.dtype in SIZES_BYTES and _is_formed(each.shape):
            total += size_bytes(each)
        if total > most_bytes and index:  # one that is too large alone is told by its header
            sentence = f"brings the tensors of the job to {_magnitude(total)} bytes"
            yield Violation(path, f"{sentence}; this server takes at most {most_bytes} together")
            return


def _blocks(dtype: DataType.ValueType, data: bytes) -> Iterator[npt.NDArray[np.floating]]:
    """The elements, a block at a time, as floats: half ones would round any bound to 0 or ∞."""
    stored = np.frombuffer(data, dtype=_STORED[dtype])
    for start in range(0, len(stored), _BLOCK_ELEMENTS):
        block = stored[start : start + _BLOCK_ELEMENTS]
        if dtype == DataType.DATA_TYPE_BFLOAT16:
            yield (block.astype(np.uint32) << 16).view(np.float32)
        else:
            yield block.astype(np.float32) if dtype == DataType.DATA_TYPE_FLOAT16 else block


def _magnitude(number: int) -> str:
    """A number for a message: exact where it is short."""
    return str(number) if number < 10**15 else f"{number:.1e}"
