"""Who works, what can be served, and how the queue is doing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

from preimage_queue.records import Job, Lane

__all__ = [
    "Announced",
    "DeadLetters",
    "Persistence",
    "PublishedModel",
    "QueueStats",
    "WorkerNotice",
    "WorkerSeen",
]

SAFE_POLICY: Final = "noeviction"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerNotice:
    """What a worker says of itself, every few seconds."""

    name: str
    """Unique for a process: host, process number and something random."""

    slots: int
    """Lanes of its batch in all."""

    cost_per_second: float
    """Work done a second with all slots taken, in the unit of `NewJob.cost`; 0 if unknown."""

    pools: tuple[str, ...]
    """What it can serve."""

    models: tuple[str, ...] = ()
    """Published models that it keeps alive."""

    info: bytes = b""
    """Anything else, for listings."""

    def __post_init__(self) -> None:
        """Check what the scripts rely on."""
        if not self.name or not self.pools or any("|" in pool for pool in self.pools):
            raise ValueError("a worker needs a name, and pools without |")
        if self.slots < 1 or self.cost_per_second < 0:
            raise ValueError("a worker needs at least one slot, and no negative rate")


@final
@dataclass(frozen=True, slots=True)
class Announced:
    """The answer to a notice."""

    drain: bool
    """Somebody asks the worker to take nothing more, to finish, and to leave."""

    unknown_models: tuple[str, ...]
    """Models that have expired or were never published: publish them again."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSeen:
    """A live worker as the registry knows it."""

    name: str
    slots: int
    cost_per_second: float
    pools: tuple[str, ...]
    info: bytes
    draining: bool
    announced_ms: int
    running: int
    """Jobs that it holds a lease on."""


@final
@dataclass(frozen=True, slots=True)
class PublishedModel:
    """A model that some live worker serves."""

    name: str
    info: bytes


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStats:
    """One look at the whole queue, taken at one moment."""

    queued: int
    queued_by_lane: Mapping[Lane, int]
    queued_by_pool: Mapping[str, int]
    queued_cost_by_pool: Mapping[str, float]
    queued_bytes: int
    """Specs and blobs of queued jobs, and uploads that no job uses yet."""

    running: int
    dead: int
    oldest_queued_seconds: Mapping[Lane, float]
    """Age of the job that has waited longest, since it last entered the queue; only lanes in which
    some job waits."""

    workers: int
    memory_used_bytes: int
    memory_limit_bytes: int
    """0 for no limit."""

    append_only: bool
    append_only_written: bool
    """Redis could write to the append-only file the last time; true also where there is none."""

    append_only_bytes: int
    """Size of the append-only file; 0 where there is none."""

    no_eviction: bool
    """Redis refuses what it has no memory for, instead of throwing jobs away."""

    redis_version: str


@final
@dataclass(frozen=True, slots=True)
class Persistence:
    """Whether this Redis can keep the promise that accepted jobs are not lost."""

    append_only: bool
    """The append-only file is on."""

    policy: str
    """`maxmemory-policy`."""

    memory_limit_bytes: int
    redis_version: str

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong, a sentence each; empty if jobs are safe."""
        found = []
        if not self.append_only:
            found.append(
                "Redis keeps no append-only file, so a crash loses jobs: set appendonly yes."
            )
        if self.policy != SAFE_POLICY:
            found.append(
                f"Redis may evict jobs (maxmemory-policy {self.policy}): set it to {SAFE_POLICY}."
            )
        return tuple(found)


@final
@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Some dead letters, newest first."""

    jobs: tuple[Job, ...]
    next_cursor: str
    """Give it to get the next page; empty at the end."""
