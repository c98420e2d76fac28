"""Caffe's arrays as the parameters of the network "cnn_a".

Both store filters as (out, in / groups, rows, columns) and matrices as (out, in), and both flatten
channels first, so most of it is naming. Caffe's reference model takes BGR: the input channels of
conv1 are turned around, so that the network takes RGB.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from preimage_worker.convert_caffe.reading import Blobs
from preimage_worker.errors import ConversionError
from preimage_worker.inversion.representations.cnn_a import cnn_a

_FIRST = "conv1"
_KINDS = ("weight", "bias")

State = dict[str, NDArray[np.float32]]


def fit(blobs: Blobs) -> State:
    """The parameters by the names that `cnn_a` loads.

    Raises:
        ConversionError: a layer is missing, or has another shape.
    """
    state: State = {}
    for name, shapes in _expected().items():
        if name not in blobs:
            raise ConversionError(
                f"The model has no layer {name} with weights, so it is not Caffe's reference "
                f"model; it has {', '.join(blobs)}."
            )
        found = blobs[name]
        if len(found) != len(shapes):
            raise ConversionError(f"Layer {name} has {len(found)} blobs, not weights and biases.")
        for kind, blob, shape in zip(_KINDS, found, shapes, strict=True):
            state[f"{name}.{kind}"] = _shaped(blob, shape, f"{name}.{kind}")
    state[f"{_FIRST}.weight"] = np.ascontiguousarray(state[f"{_FIRST}.weight"][:, ::-1])
    return state


def _expected() -> dict[str, list[tuple[int, ...]]]:
    """The shapes of each layer's parameters, from the network itself."""
    with torch.device("meta"):
        network = cnn_a()
    return {
        name: [tuple(getattr(layer, kind).shape) for kind in _KINDS]
        for name, layer in network.named_children()
        if list(layer.parameters())
    }


def _shaped(blob: NDArray[np.float32], shape: tuple[int, ...], name: str) -> NDArray[np.float32]:
    """The blob in the network's shape; older files put axes of length 1 before it."""
    if _bare(blob.shape) != _bare(shape):
        raise ConversionError(
            f"{name} has the shape {list(blob.shape)}, and cnn_a needs {list(shape)}; only Caffe's "
            "reference model, 227 × 227 pixels and 1000 classes, can be converted."
        )
    return blob.reshape(shape)


def _bare(shape: tuple[int, ...]) -> tuple[int, ...]:
    ahead = next((axis for axis, extent in enumerate(shape) if extent != 1), len(shape))
    return shape[ahead:]
