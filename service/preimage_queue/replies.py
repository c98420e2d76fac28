"""Answers of the queue: every outcome that a caller must expect is a value with a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self, final

from preimage_queue.records import Job, State

__all__ = [
    "BeatReply",
    "BeatVerdict",
    "BlobRef",
    "CancelReply",
    "CancelVerdict",
    "Conflict",
    "DeleteVerdict",
    "Event",
    "EventPage",
    "FinishReply",
    "FinishVerdict",
    "HandBackMode",
    "HandBackVerdict",
    "JobPage",
    "MissingBlob",
    "OutputChunk",
    "Reaped",
    "RejectReason",
    "Rejected",
    "RequeueVerdict",
    "SubmitOutcome",
    "SubmitReply",
    "Submitted",
    "WriteVerdict",
]


class _Outcome(StrEnum):
    """A value with a sentence for people."""

    sentence: str

    def __new__(cls, value: str, sentence: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member


class SubmitOutcome(_Outcome):
    """How a job came to stand behind the id of a `Submitted`."""

    CREATED = "CREATED", "The job is in the queue."
    CACHED = "CACHED", "An equal job has ended; its result is this job's too."
    SHARED = "SHARED", "An equal job waits or runs; this one follows it and gets its result."
    EXISTING = "EXISTING", "The same request was accepted before; this is its job."


@final
@dataclass(frozen=True, slots=True)
class Submitted:
    """The request has a job."""

    outcome: SubmitOutcome
    job_id: str
    created_ms: int | None = field(default=None, compare=False)
    """When it came into the queue, where this very call brought it there to wait: then it was as
    handed in, and need not be read."""


@final
@dataclass(frozen=True, slots=True)
class Conflict:
    """The tenant used this request_id before, for other content."""

    job_id: str


@final
@dataclass(frozen=True, slots=True)
class MissingBlob:
    """The tenant has no blob of this digest: it was never stored, or it expired."""

    digest: str


class RejectReason(_Outcome):
    """Why the queue does not take more now."""

    QUEUED_JOBS = "QUEUED_JOBS", "The queue holds as many jobs as it may."
    QUEUED_BYTES = "QUEUED_BYTES", "The queue holds as many bytes as it may."
    TENANT_JOBS = "TENANT_JOBS", "The tenant has as many queued jobs as it may."
    TENANT_BYTES = "TENANT_BYTES", "The tenant has as many queued bytes as it may."
    SLOT_SECONDS = "SLOT_SECONDS", "The tenant has used its slot-seconds of the last hour."
    DEADLINE_UNATTAINABLE = "DEADLINE_UNATTAINABLE", "The job would start after its deadline."
    TOO_WIDE = "TOO_WIDE", "The job takes more slots than any live worker has."


@final
@dataclass(frozen=True, slots=True)
class Rejected:
    """The queue refuses, and says when it is worth asking again."""

    reason: RejectReason
    retry_after_ms: int
    limit: int
    """The limit that was met: jobs, bytes, slots or slot-milliseconds; for a deadline the estimated
    wait in ms."""


SubmitReply = Submitted | Conflict | MissingBlob | Rejected
"""What `submit` answers."""


@final
@dataclass(frozen=True, slots=True)
class BlobRef:
    """A stored blob."""

    digest: str
    """sha256 of its bytes, in hexadecimal."""

    size_bytes: int


class BeatVerdict(_Outcome):
    """What a worker must do with a job after its beat."""

    OK = "OK", "The lease is renewed."
    LOST = "LOST", "The job belongs to nobody or to another attempt: stop, and write nothing."
    CANCEL = "CANCEL", "The lease is renewed, but the job shall be stopped and finished CANCELLED."


@final
@dataclass(frozen=True, slots=True)
class BeatReply:
    """The answer to one line of a beat."""

    id: str
    verdict: BeatVerdict
    reason: str = ""
    """Why to cancel."""


class FinishVerdict(_Outcome):
    """What became of a settlement."""

    ACCEPTED = "ACCEPTED", "The job has ended as said."
    REPEATED = "REPEATED", "This attempt had already finished in just this way."
    STALE = "STALE", "The attempt does not hold the job any more; nothing was written."
    MISSING_OUTPUT = "MISSING_OUTPUT", "An output that was named is not stored; nothing changed."


@final
@dataclass(frozen=True, slots=True)
class Follower:
    """A job that had followed the one that ended, and ended with it."""

    id: str
    trace: str
    """As its producer gave it."""

    waited_ms: int
    """Since its acceptance."""


@final
@dataclass(frozen=True, slots=True)
class FinishReply:
    """The answer to a settlement."""

    verdict: FinishVerdict
    missing_output: str = ""
    followers: tuple[Follower, ...] = ()
    """Those that have a trace, where they were asked for."""


class HandBackMode(_Outcome):
    """Why a worker gives a job back."""

    SILENT = "SILENT", "The worker's own affair: not counted, the job waits at its old place."
    FAIL = "FAIL", "The attempt failed: counted, and the job runs alone from now on."
    FATAL = "FATAL", "No worker can do it: FAILED, and kept among the dead letters."


class HandBackVerdict(_Outcome):
    """What became of a job that was handed back."""

    REQUEUED = "REQUEUED", "It waits in the queue again."
    DEAD = "DEAD", "It ended as FAILED and lies among the dead letters."
    EXPIRED = "EXPIRED", "It ended as FAILED because its deadline has passed."
    CANCELLED = "CANCELLED", "It ended as CANCELLED, as had been asked."
    STALE = "STALE", "The attempt does not hold the job any more; nothing was written."


class WriteVerdict(_Outcome):
    """What became of bytes that an attempt wrote."""

    STORED = "STORED", "The bytes are stored."
    STALE = "STALE", "The attempt does not hold the job any more; nothing was written."


class CancelVerdict(_Outcome):
    """What became of a wish to cancel."""

    CANCELLED = "CANCELLED", "The job is cancelled."
    REQUESTED = "REQUESTED", "The job is running; its worker learns of the wish with its next beat."
    ENDED = "ENDED", "The job had already ended otherwise."
    NOT_FOUND = "NOT_FOUND", "The tenant has no such job, or not any more."


@final
@dataclass(frozen=True, slots=True)
class CancelReply:
    """The answer to `cancel`."""

    verdict: CancelVerdict
    state: State | None
    """The job's state now; None if it is not found."""


class DeleteVerdict(_Outcome):
    """What became of a wish to delete."""

    DELETED = "DELETED", "Nothing of the job is left."
    SCHEDULED = "SCHEDULED", "The job is running: it is asked to stop, and vanishes when it ends."
    NOT_FOUND = "NOT_FOUND", "The tenant has no such job, or not any more."


class RequeueVerdict(_Outcome):
    """What became of a wish to try a dead letter again."""

    REQUEUED = "REQUEUED", "The job waits in the queue again, alone and with no failure counted."
    MISSING_BLOB = "MISSING_BLOB", "A blob that it needs has expired."
    NOT_FOUND = "NOT_FOUND", "There is no such dead letter, or not any more."


@final
@dataclass(frozen=True, slots=True)
class Reaped:
    """What one call of `reap` did, as job ids."""

    requeued: tuple[str, ...]
    dead: tuple[str, ...]
    cancelled: tuple[str, ...]
    deadline_exceeded: tuple[str, ...]
    forgotten: tuple[str, ...]
    """Ended jobs whose retention was over."""

    @property
    def count(self) -> int:
        """How many jobs it touched; as many as it was allowed to means that there is more."""
        parts = (
            self.requeued,
            self.dead,
            self.cancelled,
            self.deadline_exceeded,
            self.forgotten,
        )
        return sum(map(len, parts))


@final
@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a job."""

    id: str
    """Resumes a reading: give it as `after`."""

    state: State | None
    """The state that the job entered, or None for progress."""

    attempt: int
    step: int
    payload: bytes
    """The `event` of a beat; empty for a change of state."""

    reason: str


@final
@dataclass(frozen=True, slots=True)
class EventPage:
    """Some events of a job, and the job as it was at that moment."""

    events: tuple[Event, ...]
    job: Job
    next_after: str
    """Where the next reading begins."""

    more: bool
    """Whether there may be more events right now. An ended job without more will never have any."""


@final
@dataclass(frozen=True, slots=True)
class OutputChunk:
    """A piece of an output."""

    data: bytes
    total_bytes: int


@final
@dataclass(frozen=True, slots=True)
class JobPage:
    """Some jobs of a tenant, newest first, and how many it has."""

    jobs: tuple[Job, ...]
    next_cursor: str
    """Give it to get the next page; empty at the end. A page may be short and yet not the last."""

    total: int
    by_state: Mapping[State, int]
    """QUEUED and RUNNING only: ended jobs are not counted by how they ended."""
