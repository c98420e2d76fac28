"""What would reproduce a result."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, final

from preimage.v1 import spec_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from preimage.v1 import preimage_pb2


@final
@dataclass(frozen=True)
class Provenance:
    """Everything that a pre-image or a code came from."""

    seed: int
    """The seed that was used."""
    preset: str
    """The preset that was used."""
    settings: Mapping[str, float]
    """Every number that the preset and the request resolved to."""
    model: str
    """Name of the model."""
    layer: str
    """Layer of the model."""
    model_digest: str
    """Digest of the model: architecture, weights and preprocessing."""
    weights_digest: str
    """SHA-256 of the weights file; empty for representations without weights."""
    device: str
    """ "cpu", or the name of the GPU."""
    precision: str
    """Arithmetic of the network: "float32", "tf32", "bfloat16"."""
    versions: Mapping[str, str]
    """Versions of preimage, torch, torchvision and of the platform."""
    largest_batch: int
    """Largest number of lanes that shared a step with the job."""
    worker: str
    """Name of the worker."""


def provenance_from_wire(message: preimage_pb2.Provenance) -> Provenance:
    """Reads the wire's message."""
    names = {number: name for name, number in spec_pb2.Precision.items()}
    precision = names.get(message.precision, "").removeprefix("PRECISION_").lower()
    return Provenance(
        seed=message.seed,
        preset=message.preset,
        settings=MappingProxyType(dict(message.settings)),
        model=message.model,
        layer=message.layer,
        model_digest=message.model_digest,
        weights_digest=message.weights_digest,
        device=message.device,
        precision=precision,
        versions=MappingProxyType(dict(message.versions)),
        largest_batch=message.largest_batch,
        worker=message.worker,
    )
