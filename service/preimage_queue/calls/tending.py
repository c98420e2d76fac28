"""What keeps the queue in order: the reaper, the registry of workers, dead letters, figures."""

import re
from typing import Final

from preimage_queue.call import Argument, Call, make_call
from preimage_queue.fleet import (
    Announced,
    DeadLetters,
    Persistence,
    PublishedModel,
    QueueStats,
    WorkerNotice,
    WorkerSeen,
)
from preimage_queue.parsing import tending as parse
from preimage_queue.parsing.rows import nothing, verdict
from preimage_queue.replies import Reaped, RequeueVerdict
from preimage_queue.settings import QueueSettings

_DEAD_CURSOR: Final = re.compile(r"[0-9]{1,17} [0-9a-f]{32}")

__all__ = [
    "announce",
    "drain_worker",
    "list_dead",
    "list_models",
    "list_workers",
    "owner",
    "persistence",
    "publish_model",
    "reap",
    "requeue_dead",
    "retire",
    "stats",
]


def reap(settings: QueueSettings, limit: int = 100) -> Call[Reaped]:
    """Do what is due by the clock; anyone may call it, as often as they like.

    Leases that ran out count as a failed delivery: the job is queued again, to run alone, or ends
    as a dead letter. Queued jobs whose deadline has passed end FAILED with DEADLINE_EXCEEDED.
    Ended jobs whose retention is over are forgotten.

    Args:
        settings: The queue's settings.
        limit: Jobs to touch at most, of each kind.
    """
    return make_call(settings, "reap", parse.reaped, {"limit": limit})


def announce(settings: QueueSettings, notice: WorkerNotice) -> Call[Announced]:
    """Register a worker for `worker_ttl_seconds`, and learn whether it shall leave."""
    named: dict[str, Argument] = {
        "worker": notice.name,
        "slots": notice.slots,
        "rate": float(notice.cost_per_second),
        "pools": "|".join(notice.pools),
        "info": notice.info,
        "worker_ttl_ms": round(settings.worker_ttl_seconds * 1000),
        "model_ttl_ms": round(settings.model_ttl_seconds * 1000),
    }
    return make_call(settings, "announce", parse.announced, named, notice.models)


def retire(settings: QueueSettings, worker: str) -> Call[None]:
    """Take a worker out of the registry at once, when it leaves."""
    return make_call(settings, "retire", nothing, {"worker": worker})


def list_workers(settings: QueueSettings) -> Call[tuple[WorkerSeen, ...]]:
    """List live workers by name."""
    return make_call(settings, "list_workers", parse.workers, {})


def drain_worker(settings: QueueSettings, worker: str, *, drain: bool = True) -> Call[bool]:
    """Ask a worker to finish what it has and leave, or take that back.

    Returns:
        False if no live worker has this name.
    """
    named: dict[str, Argument] = {"worker": worker, "drain": int(drain)}
    return make_call(settings, "drain_worker", bool, named)


def publish_model(settings: QueueSettings, name: str, info: bytes) -> Call[None]:
    """Tell clients of a model. It is listed while some worker's notices name it."""
    named: dict[str, Argument] = {
        "name": name,
        "info": info,
        "model_ttl_ms": round(settings.model_ttl_seconds * 1000),
    }
    return make_call(settings, "publish_model", nothing, named)


def list_models(settings: QueueSettings) -> Call[tuple[PublishedModel, ...]]:
    """List the models that live workers serve, by name."""
    return make_call(settings, "list_models", parse.models, {})


def stats(settings: QueueSettings) -> Call[QueueStats]:
    """Look at the whole queue at one moment."""
    return make_call(settings, "stats", parse.stats, {})


def persistence(settings: QueueSettings) -> Call[Persistence]:
    """Ask whether this Redis keeps what it accepts: append-only file on, eviction off."""
    return make_call(settings, "persistence", parse.persistence, {})


def list_dead(settings: QueueSettings, limit: int = 50, cursor: str = "") -> Call[DeadLetters]:
    """List dead letters of all tenants, newest first.

    Raises:
        ValueError: `cursor` is not one that a page has given.
    """
    if cursor and not _DEAD_CURSOR.fullmatch(cursor):
        raise ValueError("cursor must come from the page before, or be empty")
    return make_call(settings, "list_dead", parse.dead, {"limit": limit, "cursor": cursor})


def owner(settings: QueueSettings, job_id: str) -> Call[str]:
    """Read whose job it is; empty if there is none. For operators: a tenant never needs to ask."""
    return make_call(settings, "owner", bytes.decode, {"id": job_id})


def requeue_dead(settings: QueueSettings, job_id: str) -> Call[RequeueVerdict]:
    """Try a dead letter again: an operator's decision, and the only way out of a terminal state.

    The job keeps its id and counts its attempts on; it runs alone.
    """
    return make_call(settings, "requeue_dead", verdict(RequeueVerdict), {"id": job_id})
