"""Whose run a job shares: what became of asking for the same twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from preimage.v1 import preimage_pb2


@final
@dataclass(frozen=True)
class Origin:
    """The run of another job of the same caller, whose result this one has."""

    id: str
    """The server's name for the job that ran. It may have been deleted since."""
    cached: bool
    """Whether its result was there already. False: both waited for the same run."""


def origin_from_wire(message: preimage_pb2.Preimage) -> Origin | None:
    """Reads whose run a job shares; None where the run is its own."""
    if not message.HasField("origin"):
        return None
    return Origin(message.origin.id, message.origin.cached)
