"""A .caffemodel file as arrays by layer."""

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from preimage_worker.convert_caffe.message import messages
from preimage_worker.errors import ConversionError

Blobs = dict[str, list[NDArray[np.float32]]]
"""Weights, then biases, of each layer that has any, by its name."""

_HDF5 = b"\x89HDF"


def read(path: Path) -> Blobs:
    """Reads the weights of a file.

    Raises:
        ConversionError: it is no Caffe model, or not a whole one.
        OSError: it cannot be read.
    """
    content = path.read_bytes()
    if content.startswith(_HDF5):
        raise ConversionError(
            f"{path} is a Caffe model in HDF5; save it as a binary .caffemodel instead."
        )
    net: Any = messages()["NetParameter"]()
    try:
        net.ParseFromString(content)
    except DecodeError:
        raise ConversionError(
            f"{path} is no binary Caffe model, or only the beginning of one."
        ) from None
    # A file has one of the two forms; one without names is no model.
    layers = [layer for layer in (*net.layer, *net.layers) if layer.name and layer.blobs]
    if not layers:
        raise ConversionError(f"{path} holds no layer with weights; is it a trained Caffe model?")
    return {
        layer.name: [_array(blob, f"{path}, layer {layer.name}") for blob in layer.blobs]
        for layer in layers
    }


def _array(blob: Any, where: str) -> NDArray[np.float32]:  # noqa: ANN401 - made at run time
    shape = _shape(blob)
    numbers = _numbers(blob)
    if min(shape, default=1) < 1 or prod(shape) != len(numbers):
        raise ConversionError(
            f"{where}: a blob of shape {list(shape)} has {len(numbers)} numbers; the file is not "
            "whole."
        )
    if not np.isfinite(numbers).all():
        raise ConversionError(f"{where}: a blob holds NaN or infinite numbers.")
    return numbers.reshape(shape)


def _numbers(blob: Any) -> NDArray[np.float32]:  # noqa: ANN401 - made at run time
    """The numbers of a blob, single or double; what was read unpacked is packed by now."""
    packed: Any = messages()["PackedBlob"].FromString(blob.SerializeToString())
    if packed.double_data:
        return np.frombuffer(packed.double_data, "<f8").astype(np.float32)
    return np.frombuffer(packed.data, "<f4").astype(np.float32)


def _shape(blob: Any) -> Sequence[int]:  # noqa: ANN401 - made at run time
    """Of the present form, else the four axes that every blob had before."""
    if blob.HasField("shape"):
        return tuple(blob.shape.dim)
    return blob.num, blob.channels, blob.height, blob.width
