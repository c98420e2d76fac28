"""What is known of a job at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, final

from preimage.advice import advice_for, sentences
from preimage.details import details_of_status
from preimage.enums import State, from_wire
from preimage.errors import JobCancelled, JobFailed
from preimage.events import Progress
from preimage.objectives import task_of
from preimage.origin import Origin, origin_from_wire
from preimage.v1 import preimage_pb2, spec_pb2

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from google.protobuf.timestamp_pb2 import Timestamp


@final
@dataclass(frozen=True)
class JobInfo:
    """A job at one moment."""

    id: str
    """The server's name for it."""
    request_id: str
    """The caller's name for the request."""
    state: State
    """Where it stands."""
    model: str
    """Name of the model."""
    layer: str
    """Layer of the model; of several, the first."""
    layers: tuple[str, ...]
    """All of its layers that were asked for."""
    task: str
    """What was asked for: "invert", "maximise" or "caricature"."""
    preset: str
    """The preset that was asked for; empty: the model's default."""
    seed: int
    """The seed that was asked for."""
    restarts: int
    """How many pre-images were asked for."""
    lane: str
    """Lane of the queue: "interactive" or "batch"."""
    progress: Progress | None
    """How far it is; None before the first report."""
    attempt: int
    """How often a worker has taken it up."""
    error: JobFailed | JobCancelled | None
    """Why there is no result: what `Job.result` raises."""
    created: datetime | None
    """When it was accepted."""
    started: datetime | None
    """When a worker last took it up."""
    ended: datetime | None
    """When it reached its terminal state."""
    expires: datetime | None
    """When it will be forgotten; set once terminal."""
    origin: Origin | None
    """Whose run it shares, of an equal job; None: the run is its own. May change while it waits."""

    @property
    def representation(self) -> str:
        """Model and layers in words."""
        return f"{self.model} {'+'.join(self.layers)}"


def job_from_wire(message: preimage_pb2.Preimage) -> JobInfo:
    """Reads the wire's message."""
    spec = message.spec
    batch = spec.lane == spec_pb2.LANE_BATCH
    return JobInfo(
        id=message.id,
        request_id=message.request_id,
        state=state_from_wire(message.state),
        model=spec.representation.model,
        layer=spec.representation.layer,
        layers=(
            spec.representation.layer,
            *(term.layer for term in spec.representation.further_layers),
        ),
        task=task_of(spec.objective.kind),
        preset=spec.optimiser.preset,
        seed=spec.seed,
        restarts=max(spec.restarts, 1),
        lane="batch" if batch else "interactive",
        progress=progress_from_wire(message.progress) if message.HasField("progress") else None,
        attempt=message.attempt,
        error=_error(message),
        created=time_from_wire(message, "create_time", message.create_time),
        started=time_from_wire(message, "start_time", message.start_time),
        ended=time_from_wire(message, "end_time", message.end_time),
        expires=time_from_wire(message, "expire_time", message.expire_time),
        origin=origin_from_wire(message),
    )


def state_from_wire(number: int) -> State:
    """Reads the wire's enumeration."""
    return from_wire(State, preimage_pb2.State.items(), "STATE_", number)


def progress_from_wire(message: preimage_pb2.Progress) -> Progress:
    """Reads the wire's message."""
    activation = message.activation if message.HasField("activation") else None
    return Progress(
        message.step, message.total_steps, message.objective, message.relative_error, activation
    )


def _error(message: preimage_pb2.Preimage) -> JobFailed | JobCancelled | None:
    if message.state == preimage_pb2.STATE_FAILED:
        reason = details_of_status(message.error).reason
        said = f"Job {message.id} failed: {message.error.message}"
        parts = (said, advice_for(reason, said))
        return JobFailed(sentences(*parts), job_id=message.id, reason=reason)
    if message.state == preimage_pb2.STATE_CANCELLED:
        why = f": {message.cancel_reason}" if message.cancel_reason else ""
        return JobCancelled(
            sentences(f"Job {message.id} was cancelled{why}"),
            job_id=message.id,
            cancel_reason=message.cancel_reason,
        )
    return None


def time_from_wire(message: Message, field: str, value: Timestamp) -> datetime | None:
    """Reads a time of a message; None where the field is not set."""
    return value.ToDatetime(tzinfo=UTC) if message.HasField(field) else None
