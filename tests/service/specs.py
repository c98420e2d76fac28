"""Requests that are right, to be made wrong in one place."""

from io import BytesIO

import numpy as np
from PIL import Image

from preimage.v1 import spec_pb2 as specs
from preimage.v1 import tensor_pb2 as tensors
from preimage.v1.preimage_service_pb2 import CreatePreimageRequest


def png(height: int = 8, width: int = 8, kind: str = "PNG") -> bytes:
    """An encoded picture."""
    levels = np.arange(height * width * 3, dtype=np.uint32) % 251
    file = BytesIO()
    Image.fromarray(levels.astype(np.uint8).reshape(height, width, 3)).save(file, kind)
    return file.getvalue()


def code(*shape: int, dtype: str = "<f4") -> tensors.Tensor:
    """A code of this shape."""
    kinds = {
        "<f4": tensors.DATA_TYPE_FLOAT32,
        "<f8": tensors.DATA_TYPE_FLOAT64,
        "<f2": tensors.DATA_TYPE_FLOAT16,
    }
    values = np.linspace(-1, 1, int(np.prod(shape))).astype(dtype)
    return tensors.Tensor(dtype=kinds[dtype], shape=shape, data=values.tobytes())


def from_code(features: tensors.Tensor | None = None, layer: str = "conv") -> specs.PreimageSpec:
    """A specification with a code as its target."""
    return specs.PreimageSpec(
        target=specs.Target(features=features or code(4, 8, 8)),
        representation=specs.Representation(model="toy", layer=layer),
    )


def from_picture(encoded: bytes | None = None, model: str = "toy") -> specs.PreimageSpec:
    """A specification with a picture as its target."""
    layer = "hog" if model == "hog" else "conv"
    return specs.PreimageSpec(
        target=specs.Target(picture=tensors.Picture(encoded=encoded or png())),
        representation=specs.Representation(model=model, layer=layer),
    )


def create(spec: specs.PreimageSpec | None = None, request_id: str = "") -> CreatePreimageRequest:
    """A request for a job."""
    return CreatePreimageRequest(spec=spec or from_code(), request_id=request_id)
