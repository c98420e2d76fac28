"""The door under ten times the work that can be done: what is refused, how fast, and what is kept.

A stand-in worker takes jobs at a steady rate. Every job has a deadline: whoever accepts it promises
that it ends by then. Calls begin when they are due, however long earlier ones take.
"""

import argparse
import asyncio
import statistics
import time
from collections import defaultdict
from multiprocessing.synchronize import Event
from typing import Any

import grpc
import numpy as np

from benchmarks.service.door import (
    ANNOUNCE_SECONDS,
    DIGEST,
    MODEL,
    PATIENCE_SECONDS,
    SHAPE,
    STEPS,
    announce,
    request_for,
)
from benchmarks.service.loading import begin_when_due, served
from preimage.v1.preimage_service_pb2_grpc import PreimageServiceStub
from preimage_queue import Finish, Queue, QueueSettings, State, new_id

TAKEN_PER_SECOND, TIMES = 4.0, 10
"""What the worker does, and how much more is offered."""
QUEUED, DEADLINE_SECONDS = 10, 4
TENANT = "default"


def measure(options: argparse.Namespace) -> list[dict[str, object]]:
    """Milliseconds of refusals and of acceptances, and what became of the accepted jobs."""
    limit = {"PREIMAGE_QUEUE_MAX_QUEUED_JOBS": str(QUEUED)}
    with served(_take_steadily, limit) as (target, url):
        took, accepted = asyncio.run(_load(target, options.seconds))
        with Queue(QueueSettings(url=url)) as queue:
            while queue.stats().queued or queue.stats().running:
                time.sleep(0.1)
            late, longest = _late(queue, accepted)
    return [
        {
            "answer": answer,
            "calls": len(seconds),
            "p50_ms": _quantile(seconds, 50),
            "p99_ms": _quantile(seconds, 99),
            "accepted_late": late if answer == "OK" else "",
            "longest_seconds": round(longest, 2) if answer == "OK" else "",
        }
        for answer, seconds in sorted(took.items())
    ]


def _quantile(seconds: list[float], percent: int) -> float:
    cuts = statistics.quantiles(seconds, n=100) if len(seconds) > 1 else seconds * 99
    return round(1e3 * cuts[percent - 1], 2)


async def _load(target: str, seconds: float) -> tuple[dict[str, list[float]], list[str]]:
    """Seconds from when calls were due, by how they ended, and the accepted jobs' ids."""
    took, accepted = defaultdict[str, list[float]](list), list[str]()
    code = np.random.default_rng(0).random(SHAPE, dtype=np.float32)
    async with grpc.aio.insecure_channel(target) as channel:
        stub: Any = PreimageServiceStub(channel)

        async def call(number: int, due: float) -> None:
            code[0, 0, 0] = number  # codes are stored by content: each its own
            request = request_for(code)
            request.spec.deadline.FromSeconds(DEADLINE_SECONDS)
            answer = "OK"
            try:
                reply = await stub.CreatePreimage(request, timeout=PATIENCE_SECONDS)
                accepted.append(reply.preimage.id)
            except grpc.aio.AioRpcError as error:
                answer = error.code().name
            took[answer].append(time.perf_counter() - due)

        await begin_when_due(TAKEN_PER_SECOND * TIMES, seconds, call)
    return took, accepted


def _late(queue: Queue, accepted: list[str]) -> tuple[int, float]:
    """How many accepted jobs did not succeed by their deadlines, and the longest time of one."""
    late, longest = 0, 0.0
    for job_id in accepted:
        detail = queue.get_job(job_id, TENANT)
        if detail is None or detail.job.finished_ms is None:
            late += 1
            continue
        seconds = (detail.job.finished_ms - detail.job.created_ms) / 1000
        late += detail.job.state is not State.SUCCEEDED or seconds > DEADLINE_SECONDS
        longest = max(longest, seconds)
    return late, longest


def _take_steadily(url: str, ready: Event, over: Event) -> None:
    """A worker that computes nothing, at its own pace."""
    begun, announced, taken = time.monotonic(), 0.0, 0
    with Queue(QueueSettings(url=url)) as queue:
        while not over.is_set():
            if time.monotonic() - announced > ANNOUNCE_SECONDS or not announced:
                announced = time.monotonic()
                announce(queue, TAKEN_PER_SECOND * STEPS)
                queue.reap()
                ready.set()
            for job in queue.claim(
                MODEL, new_id(), pools=(f"{MODEL}@{DIGEST}",), free_slots=1, capacity_slots=1
            ):
                queue.finish(Finish(id=job.id, attempt=job.attempt, state=State.SUCCEEDED))
            taken += 1
            over.wait(max(0.0, begun + taken / TAKEN_PER_SECOND - time.monotonic()))
