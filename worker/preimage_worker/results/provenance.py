"""What would reproduce a result."""

import platform
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import final

from preimage.v1 import preimage_pb2 as wire
from preimage.v1 import spec_pb2
from preimage_worker import spec
from preimage_worker.jobs import Inverted
from preimage_worker.models import Served

_PRECISIONS = {
    precision: value
    for value, precision in spec.PRECISIONS.items()
    if value != spec_pb2.PRECISION_UNSPECIFIED
}


@final
@dataclass(frozen=True)
class Surroundings:
    """What a result says about where it was computed."""

    worker: str
    device: str


def of_inversion(done: Inverted, served: Served, where: Surroundings) -> wire.Provenance:
    """Of the pre-images of one code."""
    message = of_model(served, where)
    message.seed = done.plan.seed
    message.preset = done.plan.preset
    message.layer = done.plan.key.layer
    message.precision = _PRECISIONS[done.plan.key.precision]
    message.largest_batch = done.largest_batch
    message.settings.update(spec.settings_map(done.plan.settings))
    return message


def of_model(served: Served, where: Surroundings) -> wire.Provenance:
    """Of whatever comes of a model."""
    return wire.Provenance(
        model=served.entry.name,
        model_digest=served.announcement.digest,
        weights_digest=served.announcement.weights_digest,
        device=where.device,
        worker=where.worker,
        versions=versions(),
    )


@cache
def versions() -> dict[str, str]:
    """Versions that a result depends on."""
    return {
        "preimage": version("preimage"),
        "torch": version("torch"),
        "torchvision": version("torchvision"),
        "python": platform.python_version(),
        "platform": platform.platform(),
    }
