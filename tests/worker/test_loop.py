"""The loop: room is offered before it is there, and taken at the boundary at which it comes."""

import threading
from types import SimpleNamespace

import pytest
import torch

from preimage.v1 import spec_pb2, work_pb2
from preimage_worker.engine import Engine
from preimage_worker.jobs import Delivery, Drop, Extracted, Inverted, Returned, Settlement, Stopped
from preimage_worker.loop import Loop
from preimage_worker.mailbox import Mailbox, Offer
from preimage_worker.models import Models
from tests.worker import jobs

SLOTS = 4


@pytest.fixture(scope="module")
def models() -> Models:
    return jobs.models()


class Worker:
    """A loop without a courier: the test claims and settles."""

    def __init__(self, models: Models) -> None:
        settings = jobs.settings(PREIMAGE_SLOTS=str(SLOTS))
        self.engine = Engine(models, settings, torch.device("cpu"))
        self.mailbox, self.stop = Mailbox(), threading.Event()
        courier = SimpleNamespace(draining=threading.Event(), active=1)
        self.loop = Loop(self.engine, courier, self.mailbox, self.stop)  # type: ignore[arg-type]

    def round(self) -> Offer:
        self.loop._round()
        offer = self.mailbox.take_offer()
        assert offer is not None
        return offer

    def settled(self) -> list[Settlement]:
        return self.mailbox.take_settlements()


@pytest.fixture
def worker(models: Models) -> Worker:
    return Worker(models)


def job(steps: int, **fields: object) -> Delivery:
    return jobs.delivery(jobs.inversion(optimiser=jobs.steps(steps), **fields))


def extraction() -> Delivery:
    item = work_pb2.WorkItem(encoded_picture_digest="picture")
    item.extract.representation.model, item.extract.representation.layer = "tiny", "features.3"
    item.extract.picture.SetInParent()
    return jobs.delivery(item)


def test_room_is_offered_before_a_schedule_ends_and_taken_when_it_does(worker: Worker) -> None:
    worker.mailbox.deliver([job(40) for _ in range(SLOTS)])
    # Each before its ten steps; from the third on no more than twenty are left.
    assert [worker.round().free for _ in range(4)] == [SLOTS, 0, SLOTS, SLOTS]
    assert len(worker.settled()) == SLOTS
    worker.mailbox.deliver([job(60) for _ in range(SLOTS)])
    worker.round()
    assert worker.engine.active == SLOTS


def test_claimed_jobs_wait_for_room_and_are_not_offered_twice(worker: Worker) -> None:
    worker.mailbox.deliver([job(30) for _ in range(SLOTS)])
    worker.round()
    worker.mailbox.deliver([job(50) for _ in range(SLOTS - 1)])
    assert worker.round().free == SLOTS  # offered before it was delivered to
    assert worker.engine.active == SLOTS
    assert worker.round().free == 1
    worker.round()
    assert worker.engine.active == SLOTS - 1


def test_a_job_that_is_cancelled_while_it_waits_never_runs(worker: Worker) -> None:
    worker.mailbox.deliver([job(30) for _ in range(SLOTS)])
    worker.round()
    waiting, lost = job(20), job(20)
    worker.mailbox.deliver([waiting, lost])
    worker.round()
    worker.mailbox.drop(Drop(waiting.ticket, cancelled=True))
    worker.mailbox.drop(Drop(lost.ticket, cancelled=False))
    worker.round()
    worker.round()
    settled = worker.settled()
    assert [each.ticket for each in settled if isinstance(each, Stopped)] == [waiting.ticket]
    assert sum(isinstance(each, Inverted) for each in settled) == SLOTS
    assert worker.engine.active == 0


def test_jobs_that_wait_are_handed_back_when_the_worker_stops(worker: Worker) -> None:
    running, waiting = job(90, restarts=SLOTS), job(20)
    worker.mailbox.deliver([running])
    worker.round()
    worker.mailbox.deliver([waiting])
    worker.round()
    worker.stop.set()
    worker.loop.run()
    returned = [each for each in worker.settled() if isinstance(each, Returned)]
    assert {each.ticket for each in returned} == {running.ticket, waiting.ticket}


def test_an_extraction_waits_behind_nobody(worker: Worker) -> None:
    worker.mailbox.deliver([job(90)])
    worker.round()
    wide = job(20, restarts=SLOTS)
    worker.mailbox.deliver([wide, extraction()])
    worker.round()
    assert [type(each) for each in worker.settled()] == [Extracted]
    assert worker.engine.active == 1


def test_a_job_wider_than_the_batch_runs_when_it_is_empty(worker: Worker) -> None:
    wide = job(10, restarts=SLOTS + 1, stopping=spec_pb2.StoppingRule())
    worker.mailbox.deliver([wide])
    worker.round()
    assert [type(each) for each in worker.settled()] == [Inverted]
