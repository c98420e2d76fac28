"""What was answered is in Redis' file, also while Redis is busy bringing it to the disk.

With `appendfsync everysec` Redis puts writes off while an fsync is under way, and answers all the
same: `kill -9` would lose what was answered then. So the scripts do not answer.
"""

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest
import redis
import redis.asyncio
from redis.exceptions import ResponseError

from preimage_queue import AsyncQueue, Queue, QueueUnavailableError, State
from preimage_queue.calls import producing
from preimage_queue.connections import connect, connect_async
from preimage_queue.lua import _ONLY_READ, _PROMISE_NOTHING, load_scripts
from tests.queue.helpers import a_job, put, quick, state_of
from tests.redis_server import RedisServer

PATIENCE_SECONDS = 120.0
JUNK, JUNK_PAUSE_SECONDS = b"x" * 2**20, 0.005
"""Enough to keep a disk busy, and no more than it can take."""


@pytest.fixture
def busy_server() -> Iterator[RedisServer]:
    """A server that has a lot to bring to the disk, all the time."""
    with RedisServer("--appendfsync", "everysec", append_only=True) as server:
        stop = threading.Event()

        def write() -> None:
            with (
                contextlib.suppress(redis.ConnectionError),
                redis.Redis.from_url(server.url, socket_timeout=PATIENCE_SECONDS) as raw,
            ):
                while not stop.wait(JUNK_PAUSE_SECONDS):
                    raw.set("junk", JUNK)

        writer = threading.Thread(target=write)
        writer.start()
        yield server
        stop.set()
        writer.join()


def test_nothing_is_promised_while_redis_puts_its_file_off(busy_server: RedisServer) -> None:
    settings = quick(busy_server.url)
    limit = time.monotonic() + PATIENCE_SECONDS
    with Queue(settings) as queue:
        refused = None
        while refused is None:
            assert time.monotonic() < limit, "no fsync was ever seen under way"
            job = a_job()
            try:
                queue._evaluate(producing.submit(settings, job))
            except ResponseError as error:
                refused = str(error)
        assert refused.startswith("FLUSHING")
        assert queue.get_job(job.id, "ada") is None
        queue.submit(job)
        assert state_of(queue, job.id) is State.QUEUED


def test_what_was_accepted_survives_a_kill_in_the_middle_of_an_fsync(
    busy_server: RedisServer,
) -> None:
    accepted: list[str] = []
    # A quick disk may see ten thousand jobs between two looks that catch it at work.
    room = {"max_queued_jobs": 10**7, "max_queued_jobs_per_tenant": 10**7}
    with (
        Queue(quick(busy_server.url, **room)) as queue,
        redis.Redis.from_url(busy_server.url) as raw,
    ):
        limit = time.monotonic() + PATIENCE_SECONDS
        while not raw.info("persistence")["aof_pending_bio_fsync"]:  # type: ignore[index]
            assert time.monotonic() < limit, "no fsync was ever seen under way"
            accepted.append(put(queue))
        busy_server.restart()
        assert all(queue.get_job(job, "ada") for job in accepted)


class Flushing:
    """A client whose Redis is busy with its disk for the first `times` calls."""

    def __init__(self, client: object, times: int) -> None:
        self._client, self._left = client, times

    def evalsha(self, *arguments: object) -> object:
        if self._left:
            self._left -= 1
            raise ResponseError("FLUSHING an earlier write is still on its way to the disk")
        return self._client.evalsha(*arguments)

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)


def test_a_caller_waits_for_the_disk_and_notices_nothing(redis_url: str) -> None:
    settings = quick(redis_url, tries=1)
    with Queue(settings, Flushing(connect(settings), times=20)) as queue:  # type: ignore[arg-type]
        assert state_of(queue, put(queue)) is State.QUEUED


async def test_an_asynchronous_caller_waits_for_the_disk_too(redis_url: str) -> None:
    settings = quick(redis_url, tries=1)
    client: Any = Flushing(connect_async(settings), times=20)
    async with AsyncQueue(settings, client) as queue:
        job = a_job()
        await queue.submit(job)
        assert await queue.get_job(job.id, "ada") is not None


def test_a_disk_that_takes_for_ever_is_an_outage(redis_url: str) -> None:
    settings = quick(redis_url, socket_timeout_seconds=0.05)
    client: Any = Flushing(connect(settings), times=10**9)
    with (
        Queue(settings, client) as queue,
        pytest.raises(QueueUnavailableError, match="too long to write to its disk"),
    ):
        queue.submit(a_job())


@pytest.mark.parametrize("script", sorted(_ONLY_READ))
def test_a_script_that_answers_all_the_same_writes_nothing(script: str, redis_url: str) -> None:
    text = (resources.files("preimage_queue") / "scripts" / f"{script}.lua").read_text("utf-8")
    commands = re.findall(r"call\('(\w+)'", text)
    with redis.Redis.from_url(redis_url) as raw:
        known: Any = raw.command()
    assert [name for name in commands if "write" in known[name.lower()]["flags"]] == []


@pytest.mark.parametrize("script", sorted(_PROMISE_NOTHING))
def test_a_script_that_does_not_wait_moves_no_job(script: str) -> None:
    text = (resources.files("preimage_queue") / "scripts" / f"{script}.lua").read_text("utf-8")
    code = re.sub("--.*", "", text)
    assert not re.findall(
        r"end_job|requeue|fail_delivery|cancel_job|leave|enter|HSET.*'state'", code
    )


async def test_many_callers_wait_for_the_disk_by_one_look_at_a_time(redis_url: str) -> None:
    client: Any = Disk(connect_async(quick(redis_url)), looks=5)
    async with AsyncQueue(quick(redis_url), client) as queue:
        jobs = [a_job() for _ in range(30)]
        await asyncio.gather(*(queue.submit(job) for job in jobs))
        assert client.refused == len(jobs)
        assert client.looks == 0
        found = [await queue.get_job(job.id, "ada") for job in jobs]
        assert all(found)


async def test_a_caller_that_goes_away_leaves_the_others_waiting(redis_url: str) -> None:
    client: Any = Disk(connect_async(quick(redis_url)), looks=20)
    async with AsyncQueue(quick(redis_url), client) as queue:
        gone, stays = (asyncio.create_task(queue.submit(a_job())) for _ in range(2))
        await client.two_refused.wait()
        gone.cancel()
        await stays
        assert gone.cancelled()


class Disk:
    """A client whose Redis is busy with its disk until somebody has looked so often."""

    def __init__(self, client: redis.asyncio.Redis, looks: int) -> None:
        self._client, self.looks, self.refused = client, looks, 0
        self.two_refused = asyncio.Event()
        self._look = load_scripts()["flushing"].sha

    async def evalsha(self, sha: str, *arguments: Any) -> object:
        if sha == self._look:
            self.looks = max(self.looks - 1, 0)
            return int(self.looks > 0)
        if self.looks:
            self.refused += 1
            if self.refused == 2:
                self.two_refused.set()
            raise ResponseError("FLUSHING an earlier write is still on its way to the disk")
        return await self._client.evalsha(sha, *arguments)

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)
