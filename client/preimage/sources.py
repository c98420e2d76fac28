"""Picture or code? What a caller hands over is told by its type, never by its values.

Features                        code
array of floats                 code, in the layer's shape
path of .npy or .safetensors    code
mapping from layers to those    codes of several layers
Unit                            a channel of the layer, to be maximised
uint8 array                     picture, (height, width, 3) or (height, width)
PIL image, bytes, other path    picture
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard

import numpy as np
from PIL import Image

from preimage.errors import BadInput
from preimage.features import Features
from preimage.parts import Unit
from preimage.pictures import PictureSource, SupportsArray, encoded_or_pixels
from preimage.reconstructions import Pixels
from preimage.tensors import wire_array

CodeSource: TypeAlias = Features | SupportsArray | str | Path
"""A code Φ₀: `Features`, an array of floats, or the path of a .npy or .safetensors file."""

Source: TypeAlias = PictureSource | Features | Mapping[str, CodeSource] | Unit
"""A picture, a code Φ₀, codes of several layers by their names, or a unit."""

Content: TypeAlias = bytes | Pixels | Features | Mapping[str, Features] | Unit
"""What a source holds: an encoded picture, the pixels of one, codes ready to be sent, or a unit."""

_CODE_SUFFIXES = (".npy", ".safetensors")


def read_source(source: Source, maximum_encoded_bytes: int) -> Content:
    """Tells pictures, codes and units apart, reads files and checks what can be checked here.

    Args:
        source: what the caller handed over.
        maximum_encoded_bytes: up to this size a PNG, JPEG or WebP file is sent as it is.

    Raises:
        BadInput: it is neither, or cannot be read, or holds NaN or infinities.
    """
    if isinstance(source, Unit):
        return source
    if isinstance(source, Mapping):
        return {layer: read_code(code, f"The code of {layer!r}") for layer, code in source.items()}
    if isinstance(source, Features) or is_code_path(source):
        return read_code(source, "The code")
    if isinstance(source, str | Path | bytes | Image.Image):
        return encoded_or_pixels(source, maximum_encoded_bytes)
    array = _array(source)
    if np.issubdtype(array.dtype, np.floating):
        return _checked(Features(array))
    return encoded_or_pixels(array, maximum_encoded_bytes)


def is_code_path(source: Source) -> TypeGuard[str | Path]:
    """Whether it is the path of a code, by its suffix."""
    return isinstance(source, str | Path) and Path(source).suffix.lower() in _CODE_SUFFIXES


def read_code(source: CodeSource, what: str) -> Features:
    """Reads a code or a tensor like one; `what` names it in messages: "The variance".

    Raises:
        BadInput: it holds no floats, or cannot be read, or holds NaN or infinities.
    """
    if isinstance(source, Features):
        return _checked(source)
    if isinstance(source, str | Path):
        return _checked(Features.load(source))
    array = _array(source)
    if not np.issubdtype(array.dtype, np.floating):
        raise BadInput(f"{what} must be an array of floats, not of {array.dtype}.")
    return _checked(Features(array))


def _array(source: SupportsArray) -> np.ndarray[Any, Any]:
    if not hasattr(source, "__array__"):
        raise BadInput(
            f"A {type(source).__name__} is neither a picture nor a code. Give a path, bytes, a PIL "
            "image, an array or Features."
        )
    try:
        return np.asarray(source)
    except (TypeError, ValueError, RuntimeError) as error:
        raise BadInput(f"No array can be made of this {type(source).__name__}: {error}") from error


def _checked(features: Features) -> Features:
    array = features.array
    if array.ndim == 0 or array.size == 0:
        raise BadInput(f"A code of shape {array.shape} holds nothing to invert.")
    wrong = array.size - int(np.count_nonzero(np.isfinite(array)))
    if wrong:
        raise BadInput(f"The code holds NaN or infinity in {wrong} of its {array.size} elements.")
    return Features(
        wire_array(array),
        features.input_size,
        features.model,
        features.layer,
        features.model_digest,
        features.provenance,
    )
