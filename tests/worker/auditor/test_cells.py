"""Finished cells in the checkpoint of an audit."""

from collections.abc import Iterator

import pytest

from preimage_queue import Claimed, Queue
from preimage_worker.auditor.cells import CheckpointStore
from tests.worker.auditor.auditing import spec, submit
from tests.worker.process import queue_at


@pytest.fixture
def queue(redis_url: str) -> Iterator[Queue]:
    with queue_at(redis_url) as queue:
        yield queue


def claim(queue: Queue) -> Claimed:
    (job,) = queue.claim("auditor", "token", pools=("audit",), free_slots=1, capacity_slots=1)
    return job


@pytest.fixture
def claimed(queue: Queue) -> Claimed:
    """An audit that has been taken up for the first time."""
    submit(queue, spec())
    return claim(queue)


def store(queue: Queue, claimed: Claimed) -> CheckpointStore:
    return CheckpointStore(queue, claimed, keeps_pictures=True, saved=lambda _: None)


def test_an_attempt_that_begins_again_takes_up_its_own_cells(
    queue: Queue, claimed: Claimed
) -> None:
    before = store(queue, claimed)
    before.save("control", {"fve": 0.9}, None)
    before.save("layer1/none", {"fve": 0.8}, None)
    again = store(queue, claimed)
    assert again.load("control") == {"fve": 0.9}
    again.save("layer1/sign", {"fve": 0.1}, None)
    assert store(queue, claimed).load("layer1/none") == {"fve": 0.8}
