"""kill -9 of Redis: what was acknowledged is there when it comes back."""

import threading
from collections.abc import Iterator

import pytest

from preimage_queue import Beat, BeatVerdict, FinishVerdict, Queue, QueueError, State
from tests.queue.helpers import a_job, put, quick, state_of, succeed, take, take_one
from tests.redis_server import RedisServer


@pytest.fixture
def durable() -> Iterator[RedisServer]:
    with RedisServer("--appendfsync", "always", append_only=True) as server:
        yield server


def test_a_running_job_survives_with_its_lease_its_checkpoint_and_its_blob(
    durable: RedisServer,
) -> None:
    with Queue(quick(durable.url)) as queue:
        digest = queue.put_blob("ada", b"picture").digest
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


def test_no_acknowledged_job_is_lost_and_none_ends_twice_when_redis_is_killed_under_load(
    durable: RedisServer,
) -> None:
    accepted: list[str] = []
    ended: list[str] = []
    stop = threading.Event()

    def produce() -> None:
        with Queue(quick(durable.url, tries=1)) as queue:
            while not stop.is_set():
                job = a_job()
                try:
                    queue.submit(job)
                except QueueError:
                    continue
                accepted.append(job.id)

    def work(name: str) -> None:
        with Queue(quick(durable.url, tries=8, backoff_seconds=0.02)) as queue:
            while not stop.is_set():
                try:
                    for job in take(queue, 4, worker=name):
                        reply = queue.finish(succeed(job))
                        assert reply.verdict in (FinishVerdict.ACCEPTED, FinishVerdict.REPEATED)
                        ended.append(job.id)
                except QueueError:
                    continue

    threads = [threading.Thread(target=produce) for _ in range(3)]
    threads += [threading.Thread(target=work, args=(f"w{number}",)) for number in range(2)]
    for thread in threads:
        thread.start()
    for enough in (100, 200, 300):
        while len(ended) < enough:
            assert all(thread.is_alive() for thread in threads)
            stop.wait(0.01)
        durable.restart()
    stop.set()
    for thread in threads:
        thread.join()

    assert len(ended) == len(set(ended))
    with Queue(quick(durable.url)) as queue:
        for job_id in accepted:
            state_of(queue, job_id)
        for job_id in ended:
            assert state_of(queue, job_id) is State.SUCCEEDED
