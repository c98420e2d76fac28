"""A result as it is delivered: a message, and the files beside it."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from preimage.v1 import preimage_pb2 as wire
from preimage.v1 import tensor_pb2, work_pb2


@final
@dataclass(frozen=True)
class Parcel:
    """A result as bytes."""

    result: work_pb2.WorkResult
    """The resource."""
    files: dict[str, bytes]
    """By the names of the artifacts."""


Files = dict[str, bytes]


def put_png(files: Files, name: str, data: bytes) -> wire.Artifact:
    """Adds a PNG file; returns what the result says of it."""
    files[name] = data
    return wire.Artifact(name=name, media_type="image/png", size_bytes=len(data))


def put_floats(files: Files, name: str, values: NDArray[np.float32]) -> wire.Artifact:
    """Adds raw numbers, little-endian and row-major; returns what the result says of them."""
    files[name] = values.astype("<f4").tobytes()
    return wire.Artifact(
        name=name,
        media_type="application/octet-stream",
        size_bytes=values.nbytes,
        dtype=tensor_pb2.DATA_TYPE_FLOAT32,
        shape=values.shape,
    )
