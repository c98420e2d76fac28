"""A job that succeeded, read from the wire: what both kinds of result are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, final

from preimage.diversity import diversity_from_wire
from preimage.objectives import task_of
from preimage.origin import origin_from_wire
from preimage.provenance import provenance_from_wire
from preimage.reconstructions import reconstruction_from_wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from preimage.diversity import Diversity
    from preimage.origin import Origin
    from preimage.provenance import Provenance
    from preimage.reconstructions import Reconstruction
    from preimage.v1 import preimage_pb2


@final
@dataclass(frozen=True)
class Seconds:
    """How long a job took."""

    queue: float
    """From acceptance to the last claim."""
    run: float
    """From the last claim to the end."""


class Delivery(TypedDict):
    """The fields of `preimage.results.ResultView`, as they are read from the wire."""

    id: str
    request_id: str
    reconstructions: tuple[Reconstruction, ...]
    best: int
    seconds: Seconds
    attempt: int
    provenance: Provenance
    task: str
    diversity: Diversity | None
    origin: Origin | None


def delivery_of(message: preimage_pb2.Preimage, pictures: Sequence[bytes | None]) -> Delivery:
    """Reads a job that succeeded.

    Args:
        message: the job.
        pictures: a PNG file for each of its reconstructions; None where it has none.
    """
    result = message.result
    pairs = zip(result.reconstructions, pictures, strict=True)
    return Delivery(
        id=message.id,
        request_id=message.request_id,
        reconstructions=tuple(reconstruction_from_wire(each, png) for each, png in pairs),
        best=result.best,
        seconds=Seconds(
            queue=result.timings.queue.ToTimedelta().total_seconds(),
            run=result.timings.run.ToTimedelta().total_seconds(),
        ),
        attempt=message.attempt,
        provenance=provenance_from_wire(result.provenance),
        task=task_of(message.spec.objective.kind),
        diversity=diversity_from_wire(result.diversity) if result.HasField("diversity") else None,
        origin=origin_from_wire(message),
    )
