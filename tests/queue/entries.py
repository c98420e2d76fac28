"""What the model of the queue knows of one job."""

from dataclasses import dataclass, field
from typing import Final

from preimage_queue import Lane, NewJob, State

LEASE: Final = 900
RETENTION: Final = 6300
CACHE: Final = 3900
DEAD_RETENTION: Final = 12_300
MAX_DELIVERIES: Final = 3
PRESENCE: Final = 1500
KEPT: Final = 0.5
SHARED: Final = (Lane.INTERACTIVE, Lane.BATCH)
WEIGHT: Final = {Lane.INTERACTIVE: 8.0, Lane.BATCH: 1.0}

Where = tuple[Lane, str, str]


@dataclass
class Entry:
    """One job."""

    new: NewJob
    deadline: float | None
    bytes_held: int
    created: int
    """Storings of blobs before it came."""

    score: float = 0.0
    state: State = State.QUEUED
    attempt: int = 0
    deliveries: int = 0
    solo: bool = False
    lease: float = 0.0
    step: int = 0
    cancel: str | None = None
    erase: bool = False
    reason: str = ""
    dead: bool = False
    forget_at: float | None = None
    result: bytes = b""
    handed: tuple[int, str, str] | None = None
    events: list[bytes] = field(default_factory=list)
    event_step: int = -1
    follows: str | None = None
    """Id of the job whose run it waits for."""

    source: str | None = None
    """Place of the result, if another job's run gave it."""

    computed: float | None = None

    @property
    def id(self) -> str:
        return self.new.id

    @property
    def where(self) -> Where:
        """Lane, pool and batch key at which it waits."""
        lane, pool, key = self.new.lane, self.new.pool, self.new.batch_key
        if self.solo:
            return Lane.INTERACTIVE if lane is Lane.INSTANT else lane, pool, f"{key}#solo#{self.id}"
        return lane, pool, "any" if lane is Lane.INSTANT else key

    @property
    def twins(self) -> tuple[str, str]:
        """What it has in common with equal jobs."""
        return self.new.tenant, self.new.computation

    @property
    def place(self) -> str:
        """Where its result lies."""
        return self.source or f"{self.id}:{self.attempt}"

    @property
    def order(self) -> tuple[float, str]:
        return self.score, self.id
