"""kill -9 of Redis: what was acknowledged is there when it comes back."""

import contextlib
import threading
from collections.abc import Iterator

import pytest

from preimage_queue import Beat, BeatVerdict, FinishVerdict, Queue, QueueError, State
from tests.queue.helpers import a_job, put, quick, state_of, stored, succeed, take, take_one
from tests.redis_server import RedisServer


@pytest.fixture
def durable() -> Iterator[RedisServer]:
    with RedisServer("--appendfsync", "always", append_only=True) as server:
        yield server


def test_a_running_job_survives_with_its_lease_its_checkpoint_and_its_blob(
    durable: RedisServer,
) -> None:
    with Queue(quick(durable.url)) as queue:
        digest = stored(queue, b"picture")
        put(queue, blobs=(digest,))
        queued = put(queue)
        job = take_one(queue)
        queue.put_checkpoint(job.id, job.attempt, 50, b"state")
        durable.restart()
        (reply,) = queue.beat("w1", [Beat(job.id, job.attempt, 60)])
        assert reply.verdict is BeatVerdict.OK
        assert queue.read_checkpoint(job.id, job.attempt) == (50, b"state")
        assert queue.read_blob("ada", digest) == b"picture"
        assert queue.finish(succeed(job)).verdict is FinishVerdict.ACCEPTED
        assert state_of(queue, queued) is State.QUEUED
        durable.restart()
        assert state_of(queue, job.id) is State.SUCCEEDED


class Load:
    """Producers and workers that go on whatever happens to Redis."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self.accepted: list[str] = []
        self.ended: list[str] = []
        targets = [self._produce] * 3 + [self._work] * 2
        self._threads = [
            threading.Thread(target=target, args=(f"thread-{number}",))
            for number, target in enumerate(targets)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wait_for(self, ends: int) -> None:
        while len(self.ended) < ends:
            assert all(thread.is_alive() for thread in self._threads)
            self._stop.wait(0.01)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _produce(self, _: str) -> None:
        with Queue(quick(self._url, tries=1)) as queue:
            while not self._stop.is_set():
                job = a_job()
                with contextlib.suppress(QueueError):
                    queue.submit(job)
                    self.accepted.append(job.id)

    def _work(self, name: str) -> None:
        with Queue(quick(self._url, tries=8, backoff_seconds=0.02)) as queue:
            while not self._stop.is_set():
                with contextlib.suppress(QueueError):
                    for job in take(queue, 4, worker=name):
                        reply = queue.finish(succeed(job))
                        assert reply.verdict in (FinishVerdict.ACCEPTED, FinishVerdict.REPEATED)
                        self.ended.append(job.id)


def test_no_acknowledged_job_is_lost_and_none_ends_twice_when_redis_is_killed_under_load(
    durable: RedisServer,
) -> None:
    load = Load(durable.url)
    load.start()
    for ends in (100, 200, 300):
        load.wait_for(ends)
        durable.restart()
    load.stop()
    assert len(load.ended) == len(set(load.ended))
    with Queue(quick(durable.url)) as queue:
        assert all(state_of(queue, job_id) for job_id in load.accepted)
        assert {state_of(queue, job_id) for job_id in load.ended} == {State.SUCCEEDED}
