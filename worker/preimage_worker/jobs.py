"""What travels between the courier, which talks to the queue, and the loop, which computes.

Values only: the two run in threads of their own and share nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray

from preimage.v1 import work_pb2
from preimage_worker.errors import JobError
from preimage_worker.findings import Findings
from preimage_worker.inversion.outcome import Outcome
from preimage_worker.inversion.report import LaneReport, Measurement
from preimage_worker.inversion.walk import Waypoint
from preimage_worker.pictures import Pixels
from preimage_worker.spec import Plan


@final
@dataclass(frozen=True)
class Ticket:
    """The right to work on a job, until the lease is lost."""

    id: str
    attempt: int
    """The fencing number: the queue believes only the newest."""
    tenant: str
    """Whose blobs it refers to."""
    trace: str = ""
    """The traceparent that it brings; empty for none."""


@final
@dataclass(frozen=True)
class Drop:
    """A job that must leave the batch."""

    ticket: Ticket
    cancelled: bool
    """The caller cancelled it, and the queue waits to hear that it stopped; else the lease is lost
    and there is nobody to tell."""


@final
@dataclass(frozen=True, eq=False)
class Delivery:
    """A claimed job with everything it refers to."""

    ticket: Ticket
    item: work_pb2.WorkItem
    blobs: Mapping[str, bytes]
    sent: Pixels | None
    """The picture that it brings, decoded."""
    checkpoint: bytes | None
    queued_seconds: float
    """From acceptance to this claim."""
    claimed_at: float
    """Of this process's monotonic clock."""
    deadline_at: float | None
    """The same clock."""

    @property
    def extraction(self) -> bool:
        """Whether a code is asked for, not a pre-image."""
        return self.item.WhichOneof("work") == "extract"

    @property
    def slots(self) -> int:
        """Lanes that it needs."""
        return 0 if self.extraction else max(self.item.invert.restarts, 1)


@final
@dataclass(frozen=True, eq=False)
class LaneResult:
    """One finished pre-image."""

    restart: int
    outcome: Outcome
    measurement: Measurement
    steps: int
    curve: NDArray[np.float32]
    """(steps, terms), as inversion.lanes.CURVE_COLUMNS."""
    levels: NDArray[np.float32]
    """(channels, height, width), grey levels 0…255 before clipping and rounding."""
    walked: tuple[Waypoint, ...] = ()
    """Where the strengths of the priors led that were tried, of jobs that ask for that."""


@final
@dataclass(frozen=True, eq=False)
class Pulse:
    """How far a running job is, for the next beat."""

    ticket: Ticket
    report: LaneReport
    """Of the restart with the lowest objective."""
    preview: tuple[int, Pixels] | None = None
    """A restart and what it looks like now."""
    snapshot: Mapping[str, torch.Tensor] | None = None
    """A checkpoint, when one is due."""
    snapshot_step: int = 0
    """The step of the checkpoint."""
    raises: bool = False
    """Whether the job raises an activation, which the report then holds as its error."""


@final
@dataclass(frozen=True, eq=False)
class Inverted:
    """A job whose restarts all ended."""

    delivery: Delivery
    plan: Plan
    lanes: tuple[LaneResult, ...]
    """In order of the restarts."""
    largest_batch: int
    findings: Findings
    """Of all of them together."""


@final
@dataclass(frozen=True, eq=False)
class Extracted:
    """A code."""

    delivery: Delivery
    code: NDArray[np.float32]
    height: int
    width: int


@final
@dataclass(frozen=True, eq=False)
class Failed:
    """A job that ended by its own fault."""

    ticket: Ticket
    error: JobError


@final
@dataclass(frozen=True, eq=False)
class Crashed:
    """A job that made the engine raise something unexpected: it is tried again, alone."""

    ticket: Ticket
    words: str


@final
@dataclass(frozen=True, eq=False)
class Returned:
    """A job handed back through no fault of its own: shutdown, or no room for it."""

    ticket: Ticket
    snapshot: Mapping[str, torch.Tensor] | None = None
    step: int = 0


@final
@dataclass(frozen=True, eq=False)
class Stopped:
    """A job that was cancelled and has left the batch."""

    ticket: Ticket


Settlement = Inverted | Extracted | Failed | Crashed | Returned | Stopped
