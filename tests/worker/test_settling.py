"""Which results may be given to equal jobs to come."""

import dataclasses
from collections.abc import Iterator

import pytest
import torch

from preimage_queue import Lane, NewJob, Queue, QueueSettings, SubmitOutcome, Submitted
from preimage_worker.engine import Engine
from preimage_worker.engine_version import engine
from preimage_worker.inversion.outcome import Outcome
from preimage_worker.jobs import Inverted, Ticket
from preimage_worker.models import Models
from preimage_worker.results.provenance import Surroundings
from preimage_worker.settling import Settler
from tests.worker import jobs

POOL = "tiny@d"


@pytest.fixture(scope="module")
def models() -> Models:
    return jobs.models()


@pytest.fixture(scope="module")
def done(models: Models) -> Inverted:
    """A job of two restarts, whose frontend knew this engine."""
    item = jobs.inversion(optimiser=jobs.steps(2), restarts=2)
    item.engine = engine()
    batch = Engine(models, jobs.settings(), torch.device("cpu"))
    batch.admit(jobs.delivery(item))
    (settled,) = batch.boundary().settled
    assert isinstance(settled, Inverted)
    return settled


@pytest.fixture
def queue(redis_url: str) -> Iterator[Queue]:
    with Queue(QueueSettings(url=redis_url)) as queue:
        yield queue


def submit(queue: Queue, name: str) -> SubmitOutcome:
    job = NewJob(
        tenant="default",
        request_id=name,
        fingerprint=name,
        lane=Lane.INTERACTIVE,
        pool=POOL,
        batch_key=POOL,
        slots=2,
        cost=1.0,
        spec=b"spec",
        computation="c" * 64,
    )
    reply = queue.submit(job)
    assert isinstance(reply, Submitted)
    return reply.outcome


def after(queue: Queue, models: Models, end: Inverted) -> SubmitOutcome:
    """What becomes of an equal job when this has been delivered."""
    submit(queue, "first")
    (claimed,) = queue.claim("w", "t", pools=(POOL,), free_slots=2, capacity_slots=2)
    ticket = Ticket(claimed.id, claimed.attempt, claimed.tenant)
    delivery = dataclasses.replace(end.delivery, ticket=ticket)
    settler = Settler(queue, models, Surroundings("worker", "cpu"))
    settler.settle(dataclasses.replace(end, delivery=delivery))
    return submit(queue, "second")


def test_a_whole_result_is_given_to_equal_jobs(
    queue: Queue, models: Models, done: Inverted
) -> None:
    assert after(queue, models, done) is SubmitOutcome.CACHED


def test_a_result_is_not_if_a_deadline_cut_one_restart_short(
    queue: Queue, models: Models, done: Inverted
) -> None:
    first, second = done.lanes
    lanes = (first, dataclasses.replace(second, outcome=Outcome.DEADLINE))
    cut = dataclasses.replace(done, lanes=lanes)
    assert after(queue, models, cut) is SubmitOutcome.CREATED


@pytest.mark.parametrize("announced", ["", "another"])
def test_a_result_is_not_if_its_frontend_knew_another_engine(
    announced: str, queue: Queue, models: Models, done: Inverted
) -> None:
    item = type(done.delivery.item)()
    item.CopyFrom(done.delivery.item)
    item.engine = announced
    other = dataclasses.replace(done, delivery=dataclasses.replace(done.delivery, item=item))
    assert after(queue, models, other) is SubmitOutcome.CREATED


def test_the_engine_is_announced_with_every_model(models: Models) -> None:
    assert {model.engine for model in models.announcements()} == {engine()}
    assert f"torch{torch.__version__.partition('+')[0]}" in engine()
