"""Requests that cannot come to a good end: refused with the code that stands here, or failing."""

import math
import random
from collections.abc import Iterator
from typing import Final

import numpy as np

from preimage.v1 import preimage_service_pb2 as wire
from preimage.v1 import spec_pb2, tensor_pb2
from tests.chaos.orders import CODE_SHAPE, MODEL, Order, make_order

INVALID, NOT_FOUND = "INVALID_ARGUMENT", "NOT_FOUND"
_CHUNK_BYTES: Final = 1000


def picture_order(dice: random.Random, request_id: str) -> Order:
    """A right order that brings a picture."""
    while (order := make_order(dice, request_id)).code is not None:
        pass
    return order


def wild(dice: random.Random) -> wire.CreatePreimageRequest:
    """A request that is accepted and whose job fails: the objective will not stay finite."""
    request = picture_order(dice, "").request
    optimiser = spec_pb2.Optimiser(steps=20, preset="mv2015", rate_factor=1e6)
    request.spec.optimiser.CopyFrom(optimiser)
    request.spec.objective.data_weight = 1e30
    return request


def bad_requests(dice: random.Random) -> Iterator[tuple[wire.CreatePreimageRequest, str]]:
    """A request for each kind of mistake that the door finds."""
    yield _changed(dice, model="nobody_serves_this"), NOT_FOUND
    yield _changed(dice, layer="features.99"), INVALID
    request = _changed(dice)
    request.spec.target.picture.encoded = request.spec.target.picture.encoded[:60]
    yield request, INVALID
    yield _with_code(dice, np.full(CODE_SHAPE, math.nan, dtype=np.float32)), INVALID
    yield _with_code(dice, np.zeros(CODE_SHAPE, dtype=np.float32)), INVALID
    yield _with_code(dice, np.ones((2, 3), dtype=np.float32)), INVALID
    request = _changed(dice)
    request.spec.optimiser.steps = 10**9
    yield request, INVALID
    request = _changed(dice)
    request.spec.target.uploaded_features.CopyFrom(
        tensor_pb2.TensorReference(
            digest="0" * 64, dtype=tensor_pb2.DATA_TYPE_FLOAT32, shape=CODE_SHAPE
        )
    )
    yield request, NOT_FOUND


def torn_upload() -> Iterator[wire.UploadTensorRequest]:
    """An upload that ends before all bytes are there, which are announced as 40 000."""
    yield wire.UploadTensorRequest(
        header=wire.TensorHeader(dtype=tensor_pb2.DATA_TYPE_FLOAT32, shape=[10_000])
    )
    yield wire.UploadTensorRequest(chunk=bytes(_CHUNK_BYTES))


def _changed(
    dice: random.Random, model: str = MODEL, layer: str = "features.0"
) -> wire.CreatePreimageRequest:
    request = picture_order(dice, "").request
    request.spec.representation.model = model
    request.spec.representation.layer = layer
    return request


def _with_code(dice: random.Random, code: np.ndarray) -> wire.CreatePreimageRequest:
    request = _changed(dice)
    request.spec.target.features.CopyFrom(
        tensor_pb2.Tensor(dtype=tensor_pb2.DATA_TYPE_FLOAT32, shape=code.shape, data=code.tobytes())
    )
    return request
