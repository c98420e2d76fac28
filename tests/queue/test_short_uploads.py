"""Bytes that are stored for a job that follows at once are not kept like uploads."""

import redis

from preimage_queue import Queue
from tests.queue.helpers import Clock, put, stored

PICTURE = bytes(1000)


def test_a_blob_can_be_kept_for_a_short_time(queue: Queue, clock: Clock, raw: redis.Redis) -> None:
    queue.put_blob("ada", PICTURE, keep_seconds=60.0)
    (name,) = raw.scan_iter("*:blob:*")
    assert 0 < raw.pttl(name) <= 60_000
    clock.pass_seconds(61)
    queue.reap()
    assert queue.stats().queued_bytes == 0


def test_storing_never_shortens_an_earlier_promise(
    queue: Queue, clock: Clock, raw: redis.Redis
) -> None:
    stored(queue, PICTURE)
    queue.put_blob("ada", PICTURE, keep_seconds=60.0)
    (name,) = raw.scan_iter("*:blob:*")
    assert raw.pttl(name) > 3_000_000
    clock.pass_seconds(61)
    queue.reap()
    assert queue.stats().queued_bytes == 1000


def test_a_later_promise_lengthens_a_short_one(queue: Queue, clock: Clock) -> None:
    queue.put_blob("ada", PICTURE, keep_seconds=60.0)
    stored(queue, PICTURE)
    clock.pass_seconds(61)
    queue.reap()
    assert queue.stats().queued_bytes == 1000


def test_a_job_keeps_a_blob_that_was_stored_for_a_short_time(queue: Queue, clock: Clock) -> None:
    reference = queue.put_blob("ada", PICTURE, keep_seconds=60.0)
    put(queue, blobs=(getattr(reference, "digest", ""),))
    clock.pass_seconds(3600)
    queue.reap()
    assert queue.read_blob("ada", getattr(reference, "digest", "")) == PICTURE
