"""What is known of an audit at one moment, and what a watch of it yields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, final

from preimage.advice import sentences
from preimage.details import details_of_status
from preimage.errors import JobCancelled, JobFailed
from preimage.events import StateChanged
from preimage.jobinfo import state_from_wire, time_from_wire
from preimage.v1 import audit_pb2, preimage_pb2

if TYPE_CHECKING:
    from datetime import datetime

    from preimage.enums import State


@final
@dataclass(frozen=True)
class AuditPlan:
    """What an audit takes."""

    cells: int
    """Layers times defences, the codes without one included."""
    least_inversions: int
    """Budgets double as far as they must."""
    most_inversions: int
    """At most."""
    least_passes: int
    """Passes through the network of all inversions."""
    most_passes: int
    """At most."""
    least_seconds: float | None
    """At the speed that live workers announce; None: none says."""
    most_seconds: float | None
    """At most."""
    remarks: tuple[str, ...] = ()
    """Why verdicts will not say that nothing was recovered, as far as that is known before."""

    def __str__(self) -> str:
        """For people, without the remarks: "4 cells, 36 inversions, 4,200 passes, 2 minutes"."""
        parts = [
            f"{self.cells:,} cell{'s' if self.cells > 1 else ''}",
            f"{_span(self.least_inversions, self.most_inversions)} inversions",
            f"{_span(self.least_passes, self.most_passes)} passes",
        ]
        if self.least_seconds is not None and self.most_seconds is not None:
            least, most = _duration(self.least_seconds), _duration(self.most_seconds)
            parts.append(most if least == most else f"{least} to {most}")
        return ", ".join(parts)


@final
@dataclass(frozen=True)
class AuditProgress:
    """How far an audit is."""

    cells_done: int
    """Cells whose figures are there: they are kept if the auditor dies."""
    cells: int
    """Of so many."""
    inversions_done: int
    """Inversions that have ended."""
    doing: str
    """What is under way, in words."""


@final
@dataclass(frozen=True)
class AuditInfo:
    """An audit at one moment."""

    id: str
    """The server's name for it."""
    request_id: str
    """The caller's name for the request."""
    state: State
    """Where it stands."""
    model: str
    """The audited model."""
    layers: tuple[str, ...]
    """Its layers."""
    defences: tuple[str, ...]
    """Defences that are tried; the codes without one are audited too."""
    targets: int
    """Pictures that are attacked."""
    auxiliary: int
    """Pictures beside them."""
    plan: AuditPlan
    """What it was expected to take."""
    progress: AuditProgress
    """How far it is."""
    error: JobFailed | JobCancelled | None
    """Why there is no report: what `Audit.result` raises."""
    created: datetime | None
    """When it was accepted."""
    started: datetime | None
    """When an auditor last took it up."""
    ended: datetime | None
    """When it reached its terminal state."""
    expires: datetime | None
    """When it will be forgotten; set once terminal."""


@final
@dataclass(frozen=True)
class AuditFinished:
    """The audit is terminal."""

    audit: AuditInfo
    """The audit as it will stay; `Audit.result` fetches its report."""


AuditEvent: TypeAlias = StateChanged | AuditProgress | AuditFinished


def audit_from_wire(message: audit_pb2.Audit) -> AuditInfo:
    """Reads the wire's message."""
    return AuditInfo(
        id=message.id,
        request_id=message.request_id,
        state=state_from_wire(message.state),
        model=message.spec.model,
        layers=tuple(message.spec.layers),
        defences=tuple(each.chain for each in message.spec.defences),
        targets=message.targets,
        auxiliary=message.auxiliary,
        plan=plan_from_wire(message.plan),
        progress=audit_progress_from_wire(message.progress),
        error=_error(message),
        created=time_from_wire(message, "create_time", message.create_time),
        started=time_from_wire(message, "start_time", message.start_time),
        ended=time_from_wire(message, "end_time", message.end_time),
        expires=time_from_wire(message, "expire_time", message.expire_time),
    )


def plan_from_wire(message: audit_pb2.AuditPlan) -> AuditPlan:
    """Reads the wire's message."""
    return AuditPlan(
        cells=message.cells,
        least_inversions=message.least_inversions,
        most_inversions=message.most_inversions,
        least_passes=message.least_passes,
        most_passes=message.most_passes,
        least_seconds=message.least_seconds if message.HasField("least_seconds") else None,
        most_seconds=message.most_seconds if message.HasField("most_seconds") else None,
        remarks=tuple(message.remarks),
    )


def audit_progress_from_wire(message: audit_pb2.AuditProgress) -> AuditProgress:
    """Reads the wire's message."""
    return AuditProgress(message.cells_done, message.cells, message.inversions_done, message.doing)


def _error(message: audit_pb2.Audit) -> JobFailed | JobCancelled | None:
    if message.state == preimage_pb2.STATE_FAILED:
        reason = details_of_status(message.error).reason
        said = sentences(f"Audit {message.id} failed: {message.error.message}")
        return JobFailed(said, job_id=message.id, reason=reason)
    if message.state == preimage_pb2.STATE_CANCELLED:
        why = f": {message.cancel_reason}" if message.cancel_reason else ""
        return JobCancelled(
            sentences(f"Audit {message.id} was cancelled{why}"),
            job_id=message.id,
            cancel_reason=message.cancel_reason,
        )
    return None


def _span(least: int, most: int) -> str:
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def _duration(seconds: float) -> str:
    for name, size in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} seconds"
