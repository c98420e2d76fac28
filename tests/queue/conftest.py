"""An empty queue for each test, and a clock that only moves when told."""

from collections.abc import Iterator

import pytest
import redis

from preimage_queue import Queue, QueueSettings
from tests.queue.helpers import Clock, quick


@pytest.fixture
def settings(redis_url: str) -> QueueSettings:
    """Settings that never wait long for anything."""
    return quick(redis_url)


@pytest.fixture
def queue(settings: QueueSettings) -> Iterator[Queue]:
    """A queue on an empty Redis."""
    with Queue(settings) as queue:
        yield queue


@pytest.fixture
def raw(redis_url: str) -> Iterator[redis.Redis]:
    """Redis itself, for looking behind the queue."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


@pytest.fixture
def clock(raw: redis.Redis) -> Clock:
    """Lets time pass for the scripts."""
    return Clock(raw)
