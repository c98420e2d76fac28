"""What a frontend does by itself: look at Redis, tell health checks, and reap what is overdue.

Every frontend reaps; the script is atomic, so it does not matter how many do. Health follows the
probe: one failure is enough to look away, one success to look back.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import fields
from typing import Never

from preimage_logging import concerning
from preimage_orders import AUDIT_POOL
from preimage_queue import Lane, QueueError, QueueStats, Reaped
from preimage_service.backend import Backend
from preimage_service.metrics import Meters
from preimage_service.serving import Server

_REAP_AT_ONCE = 100
_ALL_LANES = "all"
_log = logging.getLogger(__name__)


async def keep_probing(backend: Backend, servers: Sequence[Server]) -> Never:
    """Look at Redis every few seconds; gauges and health say what was seen."""
    was_up = True
    while True:
        is_up = await _probe(backend)
        if is_up != was_up:
            _log.warning("Redis is back" if is_up else "Redis is away: health is NOT_SERVING")
        was_up = is_up
        for server in servers:
            await server.set_serving(serving=is_up)
        await asyncio.sleep(backend.settings.probe_seconds)


async def keep_reaping(backend: Backend) -> Never:
    """End what is overdue every few seconds."""
    while True:
        try:
            reaped = await backend.queue.reap(_REAP_AT_ONCE)
        except QueueError as error:
            _log.info("nothing could be reaped: %s", error)
        else:
            _report_reaped(backend.meters, reaped)
            if reaped.count >= _REAP_AT_ONCE:
                continue
        await asyncio.sleep(backend.settings.reap_seconds)


async def _probe(backend: Backend) -> bool:
    """Look once; whether Redis answered."""
    try:
        stats = await backend.queue.stats()
    except QueueError as error:
        _log.info("the probe of Redis failed: %s", error)
        backend.meters.redis_up.set(0)
        return False
    _report_stats(backend.meters, stats)
    return True


def _report_stats(meters: Meters, stats: QueueStats) -> None:
    meters.redis_up.set(1)
    meters.redis_bytes.set(stats.memory_used_bytes)
    meters.redis_limit_bytes.set(stats.memory_limit_bytes)
    meters.redis_safeguards.labels("append_only").set(stats.append_only)
    meters.redis_safeguards.labels("last_write").set(stats.append_only_written)
    meters.redis_safeguards.labels("no_eviction").set(stats.no_eviction)
    meters.redis_file_bytes.set(stats.append_only_bytes)
    _report_queue(meters, stats)


def _report_queue(meters: Meters, stats: QueueStats) -> None:
    for lane in Lane:
        meters.queue_jobs.labels(lane.value, "queued").set(stats.queued_by_lane.get(lane, 0))
    meters.queue_jobs.labels(_ALL_LANES, "running").set(stats.running)
    meters.queue_jobs.labels(_ALL_LANES, "dead").set(stats.dead)
    meters.oldest_seconds.set(max(stats.oldest_queued_seconds.values(), default=0))
    meters.queue_audits.set(stats.queued_by_pool.get(AUDIT_POOL, 0))
    audits_cost = stats.queued_cost_by_pool.get(AUDIT_POOL, 0)
    meters.queue_lane_steps.set(sum(stats.queued_cost_by_pool.values()) - audits_cost)
    meters.queue_bytes.set(stats.queued_bytes)
    meters.workers.set(stats.workers)


def _report_reaped(meters: Meters, reaped: Reaped) -> None:
    for fate in (each.name for each in fields(reaped)):
        ids = getattr(reaped, fate)
        meters.reaped.labels(fate).inc(len(ids))
        for job_id in ids:
            with concerning(job_id):
                _log.info("reaped, %s", fate)
