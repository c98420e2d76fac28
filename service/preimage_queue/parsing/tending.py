"""Answers of the scripts behind `calls.tending`."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from preimage_queue.fleet import (
    SAFE_POLICY,
    Announced,
    DeadLetters,
    Persistence,
    PublishedModel,
    QueueStats,
    WorkerSeen,
)
from preimage_queue.parsing.rows import Row, decoded, info_of, jobs_of, names_in, row_of, text_in
from preimage_queue.records import Lane
from preimage_queue.replies import Reaped

__all__ = ["announced", "dead", "models", "persistence", "reaped", "stats", "workers"]

_COST_UNITS: Final = 1000
"""Redis adds up costs in whole thousandths, so that sums return to exactly 0."""


def reaped(answer: Sequence[list[bytes]]) -> Reaped:
    """Read five lists of ids."""
    return Reaped(*map(decoded, answer))


def announced(answer: list[Any]) -> Announced:
    """Read `{drain, unknown models}`."""
    return Announced(bool(answer[0]), decoded(answer[1]))


def workers(rows: Sequence[list[bytes]]) -> tuple[WorkerSeen, ...]:
    """Read the registry."""
    return tuple(sorted(map(_worker, map(row_of, rows)), key=lambda seen: seen.name))


def _worker(row: Row) -> WorkerSeen:
    return WorkerSeen(
        name=text_in(row, "name"),
        slots=int(row["slots"]),
        cost_per_second=float(row["rate"]),
        pools=names_in(row, "pools", "|"),
        info=row["info"],
        draining="drain" in row,
        announced_ms=int(row["announced"]),
        running=int(row["running"]),
    )


def models(flat: Sequence[bytes]) -> tuple[PublishedModel, ...]:
    """Read `{name, info, …}`."""
    return tuple(PublishedModel(name, info) for name, info in sorted(row_of(flat).items()))


def stats(answer: list[Any]) -> QueueStats:
    """Read `{sums, running, dead, {lane, oldest age in ms, …}, workers, INFO}`."""
    sums, running, dead_count, ages, live_workers, info_text = answer
    lanes: Counter[Lane] = Counter()
    pools: Counter[str] = Counter()
    cost: Counter[str] = Counter()
    row = row_of(sums)
    for name, value in row.items():
        kind, _, rest = name.partition("|")
        lane, _, pool = rest.partition("|")
        if kind == "jobs":
            lanes[Lane(lane)] += int(value)
            pools[pool] += int(value)
        elif kind == "cost":
            cost[pool] += int(value)
    info = info_of(info_text)
    return QueueStats(
        queued=sum(lanes.values()),
        queued_by_lane=dict(lanes),
        queued_by_pool=dict(pools),
        queued_cost_by_pool={pool: total / _COST_UNITS for pool, total in cost.items()},
        queued_bytes=int(row.get("bytes", 0)),
        running=running,
        dead=dead_count,
        oldest_queued_seconds={
            Lane(lane.decode()): age_ms / 1000
            for lane, age_ms in zip(ages[::2], ages[1::2], strict=True)
        },
        workers=live_workers,
        memory_used_bytes=int(info["used_memory"]),
        memory_limit_bytes=int(info["maxmemory"]),
        append_only=info["aof_enabled"] == "1",
        append_only_written=info["aof_last_write_status"] == "ok",
        append_only_bytes=int(info.get("aof_current_size", 0)),
        no_eviction=info["maxmemory_policy"] == SAFE_POLICY,
        redis_version=info["redis_version"],
    )


def persistence(text: bytes) -> Persistence:
    """Read Redis' own INFO."""
    info = info_of(text)
    return Persistence(
        append_only=info["aof_enabled"] == "1",
        policy=info["maxmemory_policy"],
        memory_limit_bytes=int(info["maxmemory"]),
        redis_version=info["redis_version"],
    )


def dead(answer: list[Any]) -> DeadLetters:
    """Read `{rows, cursor}`."""
    return DeadLetters(jobs_of(answer[0]), answer[1].decode())
