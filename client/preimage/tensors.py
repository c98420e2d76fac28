"""Arrays and the wire's tensors: raw, little-endian, row-major."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from preimage.errors import BadInput, PreimageError
from preimage.v1 import preimage_service_pb2, tensor_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Array: TypeAlias = np.ndarray[Any, Any]

CHUNK_BYTES = 2**20
"""Largest chunk that UploadTensor takes."""

_WIRE_TYPES = {
    np.dtype("<f4"): tensor_pb2.DATA_TYPE_FLOAT32,
    np.dtype("<f8"): tensor_pb2.DATA_TYPE_FLOAT64,
    np.dtype("<f2"): tensor_pb2.DATA_TYPE_FLOAT16,
    np.dtype("u1"): tensor_pb2.DATA_TYPE_UINT8,
}


def wire_array(array: Array) -> Array:
    """Returns the array as the wire wants it: little-endian, contiguous, of a type that it has.

    Raises:
        BadInput: the wire has no such element type.
    """
    array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    if array.dtype not in _WIRE_TYPES:
        raise BadInput(f"An array of {array.dtype} cannot be sent; convert it to float32.")
    return array


def tensor_of(array: Array) -> tensor_pb2.Tensor:
    """Builds the message that holds an array of `wire_array`."""
    return tensor_pb2.Tensor(
        dtype=_WIRE_TYPES[array.dtype], shape=array.shape, data=array.tobytes()
    )


def upload_messages(array: Array) -> Iterator[preimage_service_pb2.UploadTensorRequest]:
    """Yields the header and the chunks of an upload of an array of `wire_array`."""
    header = preimage_service_pb2.TensorHeader(dtype=_WIRE_TYPES[array.dtype], shape=array.shape)
    yield preimage_service_pb2.UploadTensorRequest(header=header)
    data = memoryview(array.data).cast("B")
    for start in range(0, len(data), CHUNK_BYTES):
        chunk = bytes(data[start : start + CHUNK_BYTES])
        yield preimage_service_pb2.UploadTensorRequest(chunk=chunk)


def digest_of(array: Array) -> str:
    """Returns the name that the service gives to an uploaded array: SHA-256, hexadecimal."""
    return hashlib.sha256(memoryview(array.data).cast("B")).hexdigest()


def float32_array(data: bytes, shape: Sequence[int]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Reads what the service returns: float32 of a shape.

    Raises:
        PreimageError: the bytes do not fill the shape.
    """
    expected = 4 * math.prod(shape)
    if len(data) != expected:
        raise PreimageError(
            f"The service sent {len(data)} bytes for float32 of shape {tuple(shape)}, which takes "
            f"{expected}. Its release does not fit this client."
        )
    return np.frombuffer(data, dtype="<f4").astype(np.float32).reshape(tuple(shape))
