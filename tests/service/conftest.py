"""A frontend, an empty Redis behind it, and a worker that only pretends."""

from collections.abc import AsyncIterator, Iterator

import pytest

from preimage_queue import Queue, QueueSettings
from tests.service.auditor import FakeAuditor
from tests.service.stack import Stack, running
from tests.service.worker import FakeWorker


@pytest.fixture
def queue_settings(redis_url: str) -> QueueSettings:
    """Settings that never wait long for anything."""
    return QueueSettings(
        url=redis_url,
        tries=2,
        backoff_seconds=0.01,
        socket_timeout_seconds=20.0,
        lease_seconds=20.0,
    )


@pytest.fixture
def queue(queue_settings: QueueSettings) -> Iterator[Queue]:
    """The queue from the other side."""
    with Queue(queue_settings) as queue:
        yield queue


@pytest.fixture
def worker(queue: Queue) -> FakeWorker:
    """A worker that has announced itself and its models."""
    worker = FakeWorker(queue)
    worker.announce()
    return worker


@pytest.fixture
def auditor(queue: Queue, worker: FakeWorker) -> FakeAuditor:
    """An auditor beside the worker, both announced."""
    auditor = FakeAuditor(queue)
    auditor.announce()
    return auditor


@pytest.fixture
async def stack(queue_settings: QueueSettings) -> AsyncIterator[Stack]:
    """A running frontend."""
    async with running(queue_settings) as stack:
        yield stack
