"""What a worker does: take jobs, keep them, and settle them."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from preimage_queue.call import Argument, Call, make_call
from preimage_queue.parsing import working as parse
from preimage_queue.parsing.rows import verdict
from preimage_queue.records import BatchRef, Beat, Claimed, Finish, require_output_name
from preimage_queue.replies import (
    BeatReply,
    FinishReply,
    HandBackMode,
    HandBackVerdict,
    WriteVerdict,
)
from preimage_queue.settings import QueueSettings

__all__ = [
    "beat",
    "claim",
    "finish",
    "hand_back",
    "put_checkpoint",
    "put_output",
    "read_blob",
    "read_checkpoint",
]


def claim(
    settings: QueueSettings,
    worker: str,
    token: str,
    *,
    pools: Sequence[str],
    free_slots: int,
    capacity_slots: int,
    current: BatchRef | None = None,
    held: Mapping[str, int] = MappingProxyType({}),
    max_instant: int = 0,
    skew_cost: float | None = None,
) -> Call[tuple[Claimed, ...]]:
    """Take leases on jobs that fit the worker's free slots.

    An idle worker (`current` is None) gets the first job of the lane whose turn it is, and then
    jobs with the same batch key. A worker whose batch is running gets jobs of that key only, and
    none once a job of another key has become older than its own first by more than the skew: the
    batch drains, and the worker switches. A job that does not fit the free slots blocks its key, so
    wide jobs are not starved; one that does not fit the whole worker is left for a larger one.
    Instant jobs come along whatever key is running. A solo job comes alone, to an idle worker.

    A slot stays free for each other tenant that has brought a job of the batch key within
    `presence_seconds` and holds less than its share of the worker, up to `kept_share` of the slots.
    Only tenants that hold more than their share are kept back for it.

    Args:
        settings: The queue's settings.
        worker: The worker's name.
        token: Names this claim. Until an answer came, ask again with the same token: the answer is
            the same, less the leases that were lost since. A new token would leave the jobs of a
            lost answer waiting for their leases to run out. A claim that found nothing is not
            remembered.
        pools: What the worker can serve now.
        free_slots: Slots that no lane uses.
        capacity_slots: Slots in all. An idle worker that has fewer free ones counts as smaller.
        current: The running batch, as `Claimed.batch` named it; None only if the worker holds no
            lease at all.
        held: Slots that the worker's leases take, by tenant.
        max_instant: Instant jobs to take along at most.
        skew_cost: Overrides the setting.
    """
    named: dict[str, Argument] = {
        "worker": worker,
        "token": token,
        "free": free_slots,
        "capacity": capacity_slots,
        "pool": current.pool if current else "",
        "batch_key": current.batch_key if current else "",
        "max_instant": max_instant,
        "skew": float(settings.skew_cost if skew_cost is None else skew_cost),
        "memory_ms": round(settings.claim_memory_seconds * 1000),
        "held": ",".join(f"{tenant}:{slots}" for tenant, slots in held.items()),
        "kept": float(settings.kept_share),
        "presence_ms": round(settings.presence_seconds * 1000),
    }
    return make_call(settings, "claim", parse.claimed, named, sorted(set(pools)))


def beat(
    settings: QueueSettings, worker: str, beats: Iterable[Beat]
) -> Call[tuple[BeatReply, ...]]:
    """Renew leases, publish progress and learn of cancellations, for a whole batch at once.

    A lease that has run out but was not reaped yet is renewed too: nobody else has the job.
    Answers come in the order of the beats.
    """
    lines = tuple(beats)
    items = [part for line in lines for part in (line.id, line.attempt, line.step, line.event)]
    return make_call(settings, "beat", parse.beaten(lines), {"worker": worker}, items)


def finish(
    settings: QueueSettings, end: Finish, *, names_followers: bool = False
) -> Call[FinishReply]:
    """End a job. Only the attempt that holds it can, and only once.

    The outputs that are named must have been stored by this attempt; they live as long as the
    result. Checkpoints are dropped and blobs released. `names_followers` asks for the jobs with a
    trace that end with it; a repeated answer leaves them out.
    """
    named: dict[str, Argument] = {
        "id": end.id,
        "attempt": end.attempt,
        "state": end.state,
        "result": end.result,
        "error": end.error,
        "reason": end.reason,
        "keep": int(end.keep),
        "names_followers": int(names_followers),
    }
    return make_call(settings, "finish", parse.finished, named, end.outputs)


def hand_back(
    settings: QueueSettings,
    leases: Iterable[tuple[str, int]],
    mode: HandBackMode,
    *,
    reason: str = "",
    error: bytes = b"",
) -> Call[tuple[HandBackVerdict, ...]]:
    """Give jobs back, each as (id, attempt); answers come in the same order.

    `FAIL` counts a delivery and lets the job run alone from then on; after `max_deliveries` it ends
    FAILED with the reason MAX_DELIVERIES. A job whose cancellation was asked for ends CANCELLED,
    except by `FATAL`.

    Args:
        settings: The queue's settings.
        leases: Jobs with their attempts.
        mode: Why.
        reason: One word in capitals, shown as `Job.last_failure`, or as `Job.reason` after `FATAL`.
        error: What the job's resource shows if this ends it.
    """
    items: list[Argument] = [part for lease in leases for part in lease]
    named: dict[str, Argument] = {"mode": mode, "reason": reason, "error": error}
    return make_call(settings, "hand_back", parse.handed_back, named, items)


def put_output(
    settings: QueueSettings, job_id: str, attempt: int, name: str, data: bytes
) -> Call[WriteVerdict]:
    """Store an output of an attempt, before `finish` names it.

    Accepted even at Redis' memory limit: what was computed shall be delivered.

    Raises:
        ValueError: The name has other characters than `A-Za-z0-9._/-`, or more than 128.
    """
    require_output_name(name)
    named: dict[str, Argument] = {
        "id": job_id,
        "attempt": attempt,
        "name": name,
        "data": data,
        "grace_ms": round(settings.output_grace_seconds * 1000),
    }
    return make_call(settings, "put_output", verdict(WriteVerdict), named)


def put_checkpoint(
    settings: QueueSettings, job_id: str, attempt: int, step: int, data: bytes
) -> Call[WriteVerdict]:
    """Replace the job's checkpoint. It outlives the worker, and goes when the job ends."""
    named: dict[str, Argument] = {"id": job_id, "attempt": attempt, "step": step}
    return make_call(settings, "put_checkpoint", verdict(WriteVerdict), named, data=data)


def read_checkpoint(
    settings: QueueSettings, job_id: str, attempt: int
) -> Call[tuple[int, bytes] | None]:
    """Read the newest checkpoint as (step, bytes).

    None if there is none, or if the attempt does not hold the job any more.
    """
    named: dict[str, Argument] = {"id": job_id, "attempt": attempt}
    return make_call(settings, "read_checkpoint", parse.checkpoint, named)


def read_blob(settings: QueueSettings, tenant: str, digest: str) -> Call[bytes | None]:
    """Read a blob of a tenant; None if it is not there."""
    named: dict[str, Argument] = {"tenant": tenant, "digest": digest}
    return make_call(settings, "read_blob", parse.payload, named)
