"""Wire tensors as numpy arrays, and back: raw, little-endian, row-major."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preimage.v1 import tensor_pb2 as wire
from preimage_worker.errors import InvalidSpecError

_TYPES: dict[int, np.dtype[Any]] = {
    wire.DATA_TYPE_FLOAT32: np.dtype("<f4"),
    wire.DATA_TYPE_FLOAT64: np.dtype("<f8"),
    wire.DATA_TYPE_FLOAT16: np.dtype("<f2"),
    wire.DATA_TYPE_BFLOAT16: np.dtype("<u2"),  # numpy has none; its bits are read as integers
    wire.DATA_TYPE_UINT8: np.dtype("u1"),
}
_MOST_AXES = 8


def read(reference: wire.TensorReference, data: bytes) -> NDArray[Any]:
    """The array: float32 for every floating type, else uint8; raises InvalidSpecError."""
    dtype = _TYPES.get(reference.dtype)
    if dtype is None:
        raise InvalidSpecError("A tensor has no known element type.")
    shape = tuple(reference.shape)
    if not 1 <= len(shape) <= _MOST_AXES or min(shape) < 1:
        raise InvalidSpecError(
            f"A tensor of shape {list(shape)[: _MOST_AXES + 1]} is none: 1 to {_MOST_AXES} axes of "
            "at least 1 are."
        )
    if len(data) != math.prod(shape) * dtype.itemsize:
        raise InvalidSpecError(
            f"A tensor of shape {list(shape)} came with {len(data)} bytes instead of "
            f"{math.prod(shape) * dtype.itemsize}."
        )
    values: NDArray[Any] = np.frombuffer(data, dtype).reshape(shape)
    if reference.dtype == wire.DATA_TYPE_BFLOAT16:
        return (values.astype("<u4") << 16).view("<f4")
    with np.errstate(over="ignore"):  # what float32 cannot hold is found as infinite
        return values if reference.dtype == wire.DATA_TYPE_UINT8 else values.astype("<f4")
