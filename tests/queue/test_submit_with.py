"""A job and the bytes that it needs, in one round trip."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import redis

from preimage_queue import (
    AsyncQueue,
    Call,
    Queue,
    QueueSettings,
    QueueUnavailableError,
    Quotas,
    Rejected,
    RejectReason,
    SubmitOutcome,
    SubmitReply,
    Submitted,
    blob_digest,
)
from tests.queue.helpers import a_job, names, quick, stored, succeed, take_one

DATA = b"a code" * 1000
DIGEST = blob_digest(DATA)


@pytest.fixture
async def aqueue(settings: QueueSettings) -> AsyncIterator[AsyncQueue]:
    async with AsyncQueue(settings) as queue:
        yield queue


async def bring(queue: AsyncQueue, quotas: Quotas | None = None, **changes: Any) -> SubmitReply:
    job = a_job(blobs=(DIGEST,), **changes)
    return await queue.submit_with(
        job, {DIGEST: DATA}, keep_seconds=60.0, quotas=quotas or Quotas()
    )


async def test_a_worker_finds_the_bytes_that_came_with_the_job(
    aqueue: AsyncQueue, queue: Queue, raw: redis.Redis
) -> None:
    reply = await bring(aqueue)
    assert isinstance(reply, Submitted)
    assert take_one(queue).blobs == (DIGEST,)
    assert queue.read_blob("ada", DIGEST) == DATA
    assert names(raw, "*:stage:*") == []


async def test_a_redis_that_forgot_the_scripts_gets_all_of_it_again(
    aqueue: AsyncQueue, queue: Queue, raw: redis.Redis
) -> None:
    raw.script_flush()
    reply = await bring(aqueue)
    assert isinstance(reply, Submitted)
    assert reply.outcome is SubmitOutcome.CREATED
    assert queue.read_blob("ada", DIGEST) == DATA


async def test_bytes_that_redis_lost_before_it_had_the_job_are_brought_again(
    aqueue: AsyncQueue, queue: Queue, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = aqueue._evaluate_together
    tries = 0

    async def dies_in_between(calls: Sequence[Call[Any]]) -> list[object]:
        nonlocal tries
        tries += 1
        if tries > 1:
            return await together(calls)
        (answer,) = await together(calls[:1])
        raw.delete(*names(raw, "*blob:*"))
        return [answer]

    monkeypatch.setattr(aqueue, "_evaluate_together", dies_in_between)
    assert isinstance(await bring(aqueue), Submitted)
    assert queue.read_blob("ada", DIGEST) == DATA


async def test_bytes_that_are_refused_refuse_the_job(aqueue: AsyncQueue, queue: Queue) -> None:
    reply = await bring(aqueue, Quotas(bytes_queued=100))
    assert isinstance(reply, Rejected)
    assert reply.reason is RejectReason.TENANT_BYTES
    assert queue.read_blob("ada", DIGEST) is None
    assert queue.stats().queued == 0


async def test_a_request_that_has_a_job_is_answered_whatever_becomes_of_its_bytes(
    aqueue: AsyncQueue, queue: Queue
) -> None:
    first = await bring(aqueue, request_id="again", fingerprint="same")
    assert isinstance(first, Submitted)
    queue.finish(succeed(take_one(queue)))
    stored(queue, b"something else")
    again = await bring(aqueue, Quotas(bytes_queued=1), request_id="again", fingerprint="same")
    assert isinstance(again, Submitted)
    assert (again.outcome, again.job_id) == (SubmitOutcome.EXISTING, first.job_id)


async def test_a_redis_that_is_away_is_unavailable() -> None:
    async with AsyncQueue(quick("unix:///nowhere/redis.sock")) as aqueue:
        with pytest.raises(QueueUnavailableError):
            await bring(aqueue)


async def test_a_caller_that_goes_away_is_not_kept(aqueue: AsyncQueue) -> None:
    for pauses in range(20):
        task = asyncio.create_task(bring(aqueue))
        for _ in range(pauses):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task], timeout=10)
        assert task.done()
    assert isinstance(await bring(aqueue), Submitted)
