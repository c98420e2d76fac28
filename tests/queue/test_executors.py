import asyncio
import inspect
from collections.abc import AsyncIterator
from typing import Any

import pytest

import preimage_queue
from preimage_queue import (
    AsyncQueue,
    Finish,
    Lane,
    Queue,
    QueueSettings,
    QueueUnavailableError,
    State,
    Submitted,
)
from preimage_queue.calls import producing, tending, working
from preimage_queue.connections import connect, connect_async
from preimage_queue.executors import Operation, Operations
from tests.queue.helpers import POOL, a_job, put, quick, state_of
from tests.redis_server import RedisServer


@pytest.fixture
async def aqueue(settings: QueueSettings) -> AsyncIterator[AsyncQueue]:
    async with AsyncQueue(settings) as queue:
        yield queue


def operations() -> list[str]:
    return [name for name, value in vars(Operations).items() if isinstance(value, Operation)]


def test_both_executors_have_every_operation_of_every_module_of_calls() -> None:
    listed = {name for module in (producing, working, tending) for name in module.__all__}
    assert set(operations()) == listed
    for executor in (Queue, AsyncQueue):
        assert all(hasattr(executor, name) for name in listed)


@pytest.mark.parametrize("name", operations())
def test_an_operation_brings_its_description_along(name: str) -> None:
    assert inspect.getdoc(getattr(Operations, name))
    assert getattr(Queue, name).__doc__ == getattr(AsyncQueue, name).__doc__


def test_everything_that_the_package_offers_is_there() -> None:
    assert sorted(preimage_queue.__all__) == list(preimage_queue.__all__)
    assert all(hasattr(preimage_queue, name) for name in preimage_queue.__all__)


async def test_a_job_goes_all_the_way_through_the_asynchronous_queue(aqueue: AsyncQueue) -> None:
    job = a_job(lane=Lane.INTERACTIVE)
    assert isinstance(await aqueue.submit(job), Submitted)
    (claimed,) = await aqueue.claim("w1", "t", pools=[POOL], free_slots=1, capacity_slots=1)
    await aqueue.finish(Finish(id=claimed.id, attempt=1, state=State.SUCCEEDED, result=b"r"))
    detail = await aqueue.get_job(job.id, "ada")
    assert detail is not None
    assert (detail.job.state, detail.result) == (State.SUCCEEDED, b"r")


async def test_both_queues_see_the_same_jobs(aqueue: AsyncQueue, queue: Queue) -> None:
    job_id = put(queue)
    await aqueue.cancel(job_id, "ada", "")
    assert state_of(queue, job_id) is State.CANCELLED


async def test_a_caller_that_goes_away_does_not_give_its_answer_to_the_next_one(
    settings: QueueSettings,
) -> None:
    async with AsyncQueue(quick(settings.url, connections=2)) as queue:
        jobs = [a_job(spec=bytes([number])) for number in range(8)]
        await asyncio.gather(*(queue.submit(job) for job in jobs))
        for number in range(60):
            job = jobs[number % len(jobs)]
            task = asyncio.create_task(queue.get_job(job.id, "ada"))
            for _ in range(number % 12):
                await asyncio.sleep(0)
            task.cancel()
            other = jobs[(number + 1) % len(jobs)]
            detail = await queue.get_job(other.id, "ada")
            assert detail is not None
            assert detail.spec == other.spec
            await asyncio.gather(task, return_exceptions=True)


async def test_a_redis_that_is_away_is_unavailable_for_the_asynchronous_queue_too() -> None:
    async with AsyncQueue(quick("unix:///nowhere/at/all")) as queue:
        with pytest.raises(QueueUnavailableError):
            await queue.stats()


async def test_a_restarted_redis_gets_the_scripts_again_from_the_asynchronous_queue_too() -> None:
    with RedisServer(append_only=True) as server:
        async with AsyncQueue(quick(server.url)) as queue:
            await queue.submit(a_job())
            await asyncio.to_thread(server.restart)
            await queue.submit(a_job())
            assert (await queue.stats()).queued == 2


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("redis://worker:secret@localhost:6380/1", "Connection"),
        ("rediss://worker:secret@localhost:6380/1", "SSLConnection"),
        ("unix://worker:secret@/run/redis.sock?db=1", "UnixDomainSocketConnection"),
    ],
)
def test_every_kind_of_url_is_understood_and_the_client_repeats_nothing(
    url: str, kind: str
) -> None:
    settings = QueueSettings(url=url, socket_timeout_seconds=3.0)
    pool: Any
    for pool in (connect(settings).connection_pool, connect_async(settings).connection_pool):
        assert pool.connection_class.__name__ == kind
        connection: Any = pool.make_connection()
        assert (connection.username, connection.password) == ("worker", "secret")
        assert connection.db == 1
        assert connection.socket_timeout == 3.0
        assert connection.retry.get_retries() == 0


def test_a_scheme_that_is_none_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(ValueError, match="scheme"):
        Queue(QueueSettings(url="http://localhost"))
