"""What goes into the queue and what comes out: jobs, claims, beats, settlements.

The queue knows how to order, lease and settle jobs; what a job *is* stays opaque to it. `spec`,
`result`, `error` and `event` are bytes that only their writer and reader understand.

All times are milliseconds of the Redis server's clock since 1970. No other clock is ever compared
with them.
"""

import re
import secrets
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, final

__all__ = [
    "SOLO_MARK",
    "BatchRef",
    "Beat",
    "Claimed",
    "Finish",
    "Job",
    "JobDetail",
    "Lane",
    "NewJob",
    "Prospect",
    "State",
    "is_id",
    "new_id",
    "require_output_name",
]

SOLO_MARK: Final = "#solo#"
"""Stands in the batch key of a job that must run alone."""

_ID = re.compile(r"[0-9a-f]{32}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_TENANT = re.compile(r"[A-Za-z0-9._@-]{1,128}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_OUTPUT_NAME = re.compile(r"[A-Za-z0-9._/-]{1,128}")
_MAX_TEXT_CHARACTERS: Final = 512
_MIN_COST, _MAX_COST = 1e-3, 1e9  # sums of a million jobs stay exact in thousandths
_MIN_WEIGHT, _MAX_WEIGHT = 1e-3, 1e3


class Lane(StrEnum):
    """Which line a job stands in."""

    INTERACTIVE = "interactive"
    """Somebody waits. Gets eight shares of the slots while both lanes are busy."""

    BATCH = "batch"
    """Nobody waits. Gets one share of the slots while both lanes are busy."""

    INSTANT = "instant"
    """Takes no slot of a batch (one forward pass). Claimed before anything else."""


class State(StrEnum):
    """Where a job is in its life. It enters exactly one of the last three, once."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def terminal(self) -> bool:
        """Whether the job has ended."""
        return self not in (State.QUEUED, State.RUNNING)


def new_id(now_seconds: float | None = None) -> str:
    """Make a job id: 48 bits of milliseconds, then 80 random bits, in 32 hexadecimal digits.

    Ids sort by the time of their making, so a tenant's jobs list newest first without an index on
    time. The clock of the maker is good enough for that; nothing else depends on it.
    """
    milliseconds = int((time.time() if now_seconds is None else now_seconds) * 1000)
    return f"{milliseconds & 0xFFFFFFFFFFFF:012x}{secrets.token_hex(10)}"


def is_id(text: str) -> bool:
    """Whether a job can have this id at all."""
    return _ID.fullmatch(text) is not None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """A job as its producer describes it. Raises `ValueError` if a field breaks its rule."""

    tenant: str
    """Who pays for it: letters, digits and `._@-`, at most 128."""

    request_id: str
    """The producer's own name for the request; makes submit idempotent within the tenant."""

    fingerprint: str
    """Digest of everything the job depends on; tells a repeat from a conflict."""

    lane: Lane
    """`INSTANT` if and only if `slots` is 0."""

    pool: str
    """What a worker must be able to serve, such as "model@digest". No `|`."""

    batch_key: str
    """Jobs of one pool with equal keys may share a running batch."""

    slots: int
    """Lanes of the batch that it takes: restarts, mostly."""

    cost: float
    """Estimated work, in the unit in which workers announce their rate. 1e-3 to 1e9."""

    spec: bytes
    """What to do, for the worker only."""

    blobs: tuple[str, ...] = ()
    """Digests of the tenant's blobs that it needs, from `put_blob`."""

    model: str = ""
    layer: str = ""
    """Both are shown in listings."""

    weight: float = 1.0
    """The tenant's share relative to other tenants. 1e-3 to 1e3."""

    gathered: bool = False
    """Whether its blobs were stored as `gathered`, for it alone: from now on only it keeps them."""

    computation: str = ""
    """Digest of everything the result depends on. Equal jobs of a tenant share one run, and later
    ones get its result. Empty: the job shares nothing, and its result is not kept for others."""

    refresh: bool = False
    """Compute anew whatever is kept or running; the result replaces the one that is kept."""

    deadline_seconds: float | None = None
    """Fail it if it still waits this long after acceptance. Once it runs, its worker decides."""

    metered: bool = True
    """Whether its runs count as slot-seconds of its tenant; not where they wait for other jobs."""

    trace: str = ""
    """W3C traceparent of its attempts' span, or empty. Of a repeated request the first is kept."""

    id: str = field(default_factory=new_id)
    """From `new_id`."""

    def __post_init__(self) -> None:
        """Check every field that the scripts rely on."""
        _require(_ID.fullmatch(self.id), "id must come from new_id()")
        _require(_TENANT.fullmatch(self.tenant), "tenant must be 1 to 128 of A-Z a-z 0-9 . _ @ -")
        for name in ("request_id", "fingerprint", "pool", "batch_key"):
            text: str = getattr(self, name)
            _require(0 < len(text) <= _MAX_TEXT_CHARACTERS, f"{name} must have 1 to 512 characters")
        _require(
            not self.computation or _DIGEST.fullmatch(self.computation),
            "computation must be a sha256 digest in hex, or empty",
        )
        _require(not self.trace or _TRACEPARENT.fullmatch(self.trace), "trace is no traceparent")
        _require("|" not in self.pool, "pool must not contain |")
        _require(SOLO_MARK not in self.batch_key, f"batch_key must not contain {SOLO_MARK}")
        _require(self.slots >= 0, "slots must not be negative")
        _require(
            (self.lane is Lane.INSTANT) == (self.slots == 0),
            "a job takes no slots if and only if its lane is instant",
        )
        _require(_MIN_COST <= self.cost <= _MAX_COST, "cost must be 1e-3 to 1e9")
        _require(_MIN_WEIGHT <= self.weight <= _MAX_WEIGHT, "weight must be 1e-3 to 1e3")
        _require(all(map(_DIGEST.fullmatch, self.blobs)), "blobs must be sha256 digests in hex")
        _require(len(set(self.blobs)) == len(self.blobs), "blobs must not repeat")
        _require(
            self.deadline_seconds is None or self.deadline_seconds > 0,
            "deadline_seconds must be above 0",
        )


@final
@dataclass(frozen=True, slots=True)
class BatchRef:
    """Names a running batch: only jobs of this pool and key may join it."""

    pool: str
    batch_key: str

    @property
    def solo(self) -> bool:
        """Whether the batch is one job that must stay alone."""
        return SOLO_MARK in self.batch_key


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A job that a worker holds a lease on, and all it needs to begin."""

    id: str
    attempt: int
    """The fencing number: every later call about this job carries it."""

    tenant: str
    lane: Lane
    batch: BatchRef
    """The batch that it may join. A solo job has a key of its own."""

    slots: int
    cost: float
    deliveries: int
    """Attempts that ended badly before this one."""

    created_ms: int
    queued_ms: int
    started_ms: int
    deadline_ms: int | None
    lease_ms: int
    """The lease runs out at this time unless a beat renews it."""

    checkpoint_step: int | None
    """Step of the newest checkpoint of an earlier attempt, for `read_checkpoint`, or None."""

    spec: bytes
    blobs: tuple[str, ...]
    model: str
    layer: str
    now_ms: int
    """The server's clock at the claim: subtract it from the other times to get durations."""

    trace: str = ""
    """As its producer gave it."""


@final
@dataclass(frozen=True, slots=True)
class Beat:
    """One line of a worker's beat."""

    id: str
    attempt: int
    step: int
    """Steps done. Never falls within an attempt; an event is kept once per step."""

    event: bytes = b""
    """Progress for watchers; empty for none."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """What can be known of a job before what it brings is read, for `room`.

    Raises `ValueError` if a blob's digest is none.
    """

    tenant: str
    lane: Lane
    slots: int
    request_id: str = ""
    """Empty: the producer gave it no name."""

    pool: str = ""
    """Empty: not known; then no deadline is judged."""

    deadline_seconds: float | None = None

    blobs: tuple[str, ...] = ()
    """Digests of all its inputs, stored or not."""

    size_bytes: int = 0
    """Of the inputs that would have to be stored."""

    shares: bool = False
    """Whether the result or the run of an equal job would do."""

    def __post_init__(self) -> None:
        """Refuse what is no digest."""
        _require(all(map(_DIGEST.fullmatch, self.blobs)), "blobs must be sha256 digests in hex")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """How an attempt ended. Raises `ValueError` unless `state` is terminal."""

    id: str
    attempt: int
    state: State
    result: bytes = b""
    """Small: what the resource shows. Pictures and tensors go to `put_output`."""

    error: bytes = b""
    reason: str = ""
    """One word in capitals, such as DIVERGED; empty for success."""

    keep: bool = True
    """Whether later jobs with an equal computation may have this result: not if a deadline cut it
    short, or it was not computed as the job's frontend thought it would be."""

    outputs: tuple[str, ...] = ()
    """Names stored by `put_output` in this attempt, to be kept and shown."""

    def __post_init__(self) -> None:
        """Refuse states that are not an end, and outputs that cannot be."""
        _require(self.state.terminal, "an attempt can only finish in a terminal state")
        for name in self.outputs:
            require_output_name(name)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as anyone may see it: everything but its opaque payloads."""

    id: str
    tenant: str
    request_id: str
    fingerprint: str
    lane: Lane
    pool: str
    batch_key: str
    slots: int
    cost: float
    model: str
    layer: str
    state: State
    attempt: int
    """Claims so far."""

    deliveries: int
    """Attempts that ended badly."""

    solo: bool
    """Whether it must run alone, because a worker died or failed with it."""

    step: int
    worker: str
    """Name of the worker that has, or had, the newest attempt; empty before the first."""

    cancel_requested: bool
    cancel_reason: str
    reason: str
    """Why it failed or was cancelled; empty otherwise."""

    last_failure: str
    """Why its last badly ended attempt did, even if a later one succeeded."""

    outputs: tuple[str, ...]
    """Names for `read_output`; empty until it ended."""

    bytes_held: int
    """Size of spec and blobs."""

    created_ms: int
    queued_ms: int
    """When it last entered the queue."""

    started_ms: int | None
    """When its newest attempt was claimed."""

    finished_ms: int | None
    deadline_ms: int | None
    expires_ms: int | None
    """When an ended job is forgotten."""

    follows: str = ""
    """Id of the job whose run it waits for; its state, attempt, step and worker are that one's."""

    origin: str = ""
    """Id of the job whose run gave the result, if it was not its own."""

    cached: bool = False
    """Whether that result was there when the job was submitted."""


@final
@dataclass(frozen=True, slots=True)
class JobDetail:
    """A job with its payloads."""

    job: Job
    spec: bytes
    result: bytes
    error: bytes
    event: bytes = b""
    """The newest progress that a beat has published; empty before the first."""


def require_output_name(name: str) -> None:
    """Raise `ValueError` unless this can be the name of an output: `A-Za-z0-9._/-`, at most 128."""
    _require(_OUTPUT_NAME.fullmatch(name), "an output's name must be 1 to 128 of A-Za-z0-9._/-")


def _require(holds: object, message: str) -> None:
    if not holds:
        raise ValueError(message)
