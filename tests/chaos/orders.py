"""What clients ask for: small jobs of a tiny network, each with a request_id of its own."""

import io
import random
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from PIL import Image

from preimage.tensors import Array
from preimage.v1 import preimage_service_pb2 as wire
from preimage.v1 import spec_pb2, tensor_pb2

MODEL: Final = "tiny"
LAYERS: Final = ("features.0", "features.1")
CODE_SHAPE: Final = (96, 13, 13)
"""Of both layers, for the catalogue's picture size."""
_PICTURE_SIDE: Final = 24


@dataclass(eq=False)
class Order:
    """A request, for as long as it is not known what became of it and beyond."""

    request: wire.CreatePreimageRequest
    code: Array | None = None
    """What has to be uploaded before; None: the request holds everything."""
    tries: int = 0


@dataclass(eq=False)
class KnownJob:
    """A job that was accepted, as far as any client knows."""

    id: str
    order: Order
    state: str = "QUEUED"
    artifacts: tuple[str, ...] = ()
    deleted: bool = False
    """Whether anybody has tried to delete it."""


@dataclass(eq=False)
class Board:
    """What all clients know together."""

    jobs: dict[str, KnownJob] = field(default_factory=dict)
    unanswered: list[Order] = field(default_factory=list)
    """Orders whose client gave up before it had an answer."""

    def pick(self, dice: random.Random, *states: str) -> KnownJob | None:
        """One of the newer jobs in one of these states that nobody has deleted."""
        recent = list(self.jobs.values())[-200:]
        fitting = [job for job in recent if job.state in states and not job.deleted]
        return dice.choice(fitting) if fitting else None


def make_order(dice: random.Random, request_id: str) -> Order:
    """A job of some steps. Most are short; some outlive a worker. A share brings a raw code."""
    steps = dice.choice((5, 5, 10, 10, 20, 40, 120))
    spec = spec_pb2.PreimageSpec(
        representation=spec_pb2.Representation(model=MODEL, layer=dice.choice(LAYERS)),
        optimiser=spec_pb2.Optimiser(steps=steps, preset="mv2016"),
        restarts=dice.choice((1, 1, 1, 2)),
        seed=dice.randrange(2**32),
        lane=dice.choice((spec_pb2.LANE_INTERACTIVE, spec_pb2.LANE_BATCH)),
    )
    request = wire.CreatePreimageRequest(spec=spec, request_id=request_id)
    if dice.random() < 0.3:
        numbers = np.random.default_rng(dice.randrange(2**32))
        code = numbers.random(CODE_SHAPE, dtype=np.float32)
        return Order(request, code)
    spec.target.picture.encoded = _picture(dice)
    request.spec.CopyFrom(spec)
    return Order(request)


def name_upload(order: Order, uploaded: tensor_pb2.TensorReference) -> None:
    """Let the request refer to the code that was uploaded."""
    order.request.spec.target.uploaded_features.CopyFrom(uploaded)


def _picture(dice: random.Random) -> bytes:
    numbers = np.random.default_rng(dice.randrange(2**32))
    pixels = numbers.integers(0, 256, (_PICTURE_SIDE, _PICTURE_SIDE, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
