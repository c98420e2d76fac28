"""What the loop counts: lanes that join and leave, with reasons, and where its time goes."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from prometheus_client import REGISTRY, Counter

from preimage.v1 import spec_pb2
from preimage_queue import Reaped
from preimage_worker import metrics
from preimage_worker.checkpoints import pack
from preimage_worker.inversion.outcome import Outcome
from preimage_worker.jobs import Drop, Failed, Returned
from preimage_worker.models import Models
from preimage_worker.reaping import reap
from tests.worker import jobs
from tests.worker.test_loop import SLOTS, Worker, job

Counts = dict[str, float]


@pytest.fixture(scope="module")
def models() -> Models:
    return jobs.models()


@pytest.fixture
def worker(models: Models) -> Worker:
    return Worker(models)


def by_label(counter: Counter) -> Counts:
    (family,) = counter.collect()
    return {
        next(iter(sample.labels.values())): sample.value
        for sample in family.samples
        if sample.name.endswith("_total")
    }


@contextmanager
def growth(counter: Counter) -> Iterator[Callable[[], Counts]]:
    before = by_label(counter)
    yield lambda: {
        label: value - before.get(label, 0)
        for label, value in by_label(counter).items()
        if value != before.get(label, 0)
    }


def test_every_lane_that_joined_leaves_with_its_reason(worker: Worker) -> None:
    with growth(metrics.JOINED) as joined, growth(metrics.LEFT) as left:
        short, cancelled, lost = job(10), job(90), job(90)
        worker.mailbox.deliver([short, cancelled, lost])
        worker.round()
        assert joined() == {"new": 3}
        worker.mailbox.drop(Drop(cancelled.ticket, cancelled=True))
        worker.mailbox.drop(Drop(lost.ticket, cancelled=False))
        worker.mailbox.deliver([job(90, restarts=2)])
        worker.round()
        worker.stop.set()
        worker.loop.run()
        assert joined() == {"new": 5}
        assert left() == {"step_limit": 1, "cancelled": 1, "lost": 1, "handed_back": 2}


def test_a_lane_that_goes_on_from_a_checkpoint_joins_as_such(
    worker: Worker, models: Models
) -> None:
    begun = job(90)
    worker.mailbox.deliver([begun])
    worker.round()
    worker.stop.set()
    worker.loop.run()
    (returned,) = worker.settled()
    assert isinstance(returned, Returned)
    assert returned.snapshot is not None
    with growth(metrics.JOINED) as joined:
        other = Worker(models)
        other.mailbox.deliver([replace(begun, checkpoint=pack(returned.snapshot))])
        other.round()
        assert joined() == {"resumed": 1}


def test_a_lane_that_stops_being_finite_is_counted_though_its_job_delivers_nothing(
    worker: Worker,
) -> None:
    wild = jobs.inversion(
        optimiser=jobs.steps(20, preset="mv2015", rate_factor=1e6),
        objective=spec_pb2.Objective(data_weight=1e30),
    )
    with growth(metrics.LEFT) as left:
        worker.mailbox.deliver([jobs.delivery(wild)])
        worker.round()
        worker.round()
        assert left() == {"diverged": 1}
    assert [type(each) for each in worker.settled()] == [Failed]


def test_no_reason_is_missing_from_those_that_begin_at_zero() -> None:
    ends = {outcome.name.lower() for outcome in Outcome}
    assert ends | {"failed", "lost", "handed_back"} == set(by_label(metrics.LEFT))


def test_the_time_of_the_loop_goes_somewhere(worker: Worker) -> None:
    with growth(metrics.LOOP_SECONDS) as spent:
        worker.round()
        assert set(spent()) == {"waiting", "boundary"}
        worker.mailbox.deliver([job(30) for _ in range(SLOTS)])
        worker.round()
        assert set(spent()) == {"waiting", "boundary", "steps"}
    assert REGISTRY.get_sample_value("preimage_lane_steps_per_second")


def test_what_workers_find_overdue_is_counted_by_its_fate_and_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    overdue = cast("Any", SimpleNamespace(reap=lambda: Reaped(("a", "b"), ("c",), (), (), ())))
    with caplog.at_level(logging.INFO), growth(metrics.REAPED) as reaped:
        reap(overdue)
        assert reaped() == {"requeued": 2, "dead": 1}
    assert caplog.messages == ["reaped, requeued", "reaped, requeued", "reaped, dead"]
