"""What clients ask for: small jobs of a tiny network, each with a request_id of its own.

A share of them ask for what another one has asked for just before: the same layer, seed, steps and
target, under another request_id. Which ones these are the harness knows by itself; it does not ask
the service, which has to find it out.
"""

import hashlib
import io
import random
from collections import Counter, deque
from collections.abc import Iterable
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
_LANES: Final = (spec_pb2.LANE_INTERACTIVE, spec_pb2.LANE_BATCH)
_EQUAL_SHARE: Final = 0.25
_PREFERENCE: Final = 0.8
_RECENT: Final = 8
"""An equal job equals one of so many: some of them wait, some run, some have just ended."""
_CACHE_CONTROLS: Final = {
    wire.CACHE_CONTROL_USE: 10,
    wire.CACHE_CONTROL_REFRESH: 1,
    wire.CACHE_CONTROL_BYPASS: 1,
}
"""The last two make a second run of the same computation, which must come to the same."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks for."""

    computation: str
    """A digest of all that the pictures depend on: equal for equal jobs."""
    layer: str
    seed: int


@dataclass(eq=False)
class Order:
    """A request, for as long as it is not known what became of it and beyond."""

    request: wire.CreatePreimageRequest
    code: Array | None = None
    """What has to be uploaded before; None: the request holds everything."""
    wanted: Wanted | None = None
    """None: nobody compares it with others."""
    tries: int = 0
    through_sdk: bool = False
    """Whether it must be handed in by the SDK: a request_id is for the same bytes only."""


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
    wanted: dict[str, Wanted] = field(default_factory=dict)
    """What each request_id asks for."""
    recent: deque[Order] = field(default_factory=lambda: deque(maxlen=_RECENT))

    def next_order(self, dice: random.Random, request_id: str) -> Order:
        """A new job, or one that equals a recent one of any client."""
        if self.recent and dice.random() < _EQUAL_SHARE:
            order = make_equal_order(dice, dice.choice(self.recent), request_id)
        else:
            order = make_order(dice, request_id)
            self.recent.append(order)
        assert order.wanted is not None
        self.wanted[request_id] = order.wanted
        return order

    def pick(self, dice: random.Random, *states: str) -> KnownJob | None:
        """One of the newer jobs in one of these states that nobody has deleted."""
        fitting = self._fitting(states)
        return dice.choice(fitting) if fitting else None

    def pick_equal(self, dice: random.Random, *states: str) -> KnownJob | None:
        """The same, and mostly one that has equals among them, if there are any."""
        fitting = self._fitting(states)
        groups = Counter(job.order.wanted for job in fitting)
        equal = [job for job in fitting if groups[job.order.wanted] > 1]
        chosen = equal if equal and dice.random() < _PREFERENCE else fitting
        return dice.choice(chosen) if chosen else None

    def _fitting(self, states: Iterable[str]) -> list[KnownJob]:
        recent = list(self.jobs.values())[-200:]
        return [job for job in recent if job.state in states and not job.deleted]


def make_order(dice: random.Random, request_id: str) -> Order:
    """A job of some steps. Most are short; some outlive a worker. A share brings a raw code."""
    steps = dice.choice((5, 5, 10, 10, 20, 40, 120))
    spec = spec_pb2.PreimageSpec(
        representation=spec_pb2.Representation(model=MODEL, layer=dice.choice(LAYERS)),
        optimiser=spec_pb2.Optimiser(steps=steps, preset="mv2016"),
        restarts=dice.choice((1, 1, 1, 2)),
        seed=dice.randrange(2**32),
        lane=dice.choice(_LANES),
    )
    request = wire.CreatePreimageRequest(spec=spec, request_id=request_id)
    if dice.random() < 0.3:
        numbers = np.random.default_rng(dice.randrange(2**32))
        code = numbers.random(CODE_SHAPE, dtype=np.float32)
        return Order(request, code, _wanted(spec, code.tobytes()))
    spec.target.picture.encoded = random_picture(dice)
    request.spec.CopyFrom(spec)
    return Order(request, wanted=_wanted(spec, b""))


def make_equal_order(dice: random.Random, order: Order, request_id: str) -> Order:
    """The same computation under another name, in any lane; sometimes it shall be done anew."""
    request = wire.CreatePreimageRequest()
    request.CopyFrom(order.request)
    request.request_id = request_id
    request.spec.lane = dice.choice(_LANES)
    (request.cache_control,) = dice.choices([*_CACHE_CONTROLS], [*_CACHE_CONTROLS.values()])
    return Order(request, order.code, order.wanted)


def _wanted(spec: spec_pb2.PreimageSpec, code: bytes) -> Wanted:
    """Lanes change no picture."""
    without_lane = spec_pb2.PreimageSpec()
    without_lane.CopyFrom(spec)
    without_lane.ClearField("lane")
    data = without_lane.SerializeToString(deterministic=True)
    computation = hashlib.sha256(data + code).hexdigest()[:12]
    return Wanted(computation, spec.representation.layer, spec.seed)


def name_upload(order: Order, uploaded: tensor_pb2.TensorReference) -> None:
    """Let the request refer to the code that was uploaded."""
    order.request.spec.target.uploaded_features.CopyFrom(uploaded)


def random_picture(dice: random.Random) -> bytes:
    """A small PNG that nobody else has."""
    numbers = np.random.default_rng(dice.randrange(2**32))
    pixels = numbers.integers(0, 256, (_PICTURE_SIDE, _PICTURE_SIDE, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
