"""Audits whose processes are killed or leave."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from preimage.v1 import admin_service_pb2
from preimage_queue import Queue, State
from tests.redis_server import RedisServer
from tests.worker.auditor.auditing import (
    AuditorProcess,
    inversions,
    progress,
    report,
    spec,
    submit,
)
from tests.worker.process import TENANT, WorkerProcess, detail, ended, queue_at, until

LONG = spec()
LONG.budget.steps = 16
"""An audit that takes long enough to be disturbed."""


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer(append_only=True) as running:
        yield running


@pytest.fixture(scope="module")
def worker(server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with WorkerProcess(server.url, tmp_path_factory.mktemp("worker")):
        yield


@pytest.fixture
def queue(server: RedisServer) -> Iterator[Queue]:
    with queue_at(server.url) as queue:
        yield queue


class Undisturbed(NamedTuple):
    """The same audit, left alone."""

    report: bytes
    inversions: int


@pytest.fixture(scope="module")
def undisturbed(
    server: RedisServer, worker: None, tmp_path_factory: pytest.TempPathFactory
) -> Undisturbed:
    folder = tmp_path_factory.mktemp("undisturbed")
    with queue_at(server.url) as queue, AuditorProcess(server.url, folder):
        audit = submit(queue, LONG)
        assert ended(queue, audit).job.state is State.SUCCEEDED
        return Undisturbed(report(queue, audit), progress(queue, audit).inversions_done)


def said(queue: Queue, name: str) -> admin_service_pb2.Worker:
    """What the process of this name announces."""
    info = next(each.info for each in queue.list_workers() if each.name == name)
    return admin_service_pb2.Worker.FromString(info)


@pytest.mark.slow
def test_what_was_finished_outlives_the_auditor(
    server: RedisServer, queue: Queue, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    with AuditorProcess(server.url, tmp_path / "one") as first:
        audit = submit(queue, LONG)
        until(lambda: progress(queue, audit).cells_done >= 1)
        first.kill()
    with AuditorProcess(server.url, tmp_path / "two"):
        assert ended(queue, audit).job.attempt == 2
    done = progress(queue, audit).inversions_done
    assert done < undisturbed.inversions, "a finished cell is not computed again"
    assert report(queue, audit) == undisturbed.report


@pytest.mark.slow
def test_an_auditor_that_is_drained_finishes_its_audit_takes_no_other_and_leaves(
    queue: Queue, worker: None, server: RedisServer, tmp_path: Path
) -> None:
    longer = spec()
    longer.budget.steps = 64
    with AuditorProcess(server.url, tmp_path / "one") as drained:
        audit, name = submit(queue, longer), drained.facts["auditor"]
        until(lambda: said(queue, name).active_slots)
        assert queue.drain_worker(name)
        until(lambda: "asked to drain" in drained.log.read_text())
        other = submit(queue, spec())
        assert drained.process.wait(120) == 0
    assert name not in [each.name for each in queue.list_workers()]
    assert detail(queue, audit).job.state is State.SUCCEEDED
    assert detail(queue, other).job.state is State.QUEUED
    queue.cancel(other, TENANT, "enough")


@pytest.mark.slow
def test_a_killed_worker_costs_an_audit_nothing_but_time(
    undisturbed: Undisturbed, tmp_path: Path
) -> None:
    with (
        RedisServer(append_only=True) as server,  # one that no other worker serves
        queue_at(server.url) as queue,
        AuditorProcess(server.url, tmp_path / "auditor"),
    ):
        with WorkerProcess(server.url, tmp_path) as worker:
            audit = submit(queue, LONG)
            until(lambda: progress(queue, audit).cells_done >= 1)
            worker.kill()
        with WorkerProcess(server.url, tmp_path):
            done = ended(queue, audit)
        assert done.job.state is State.SUCCEEDED
        assert done.job.attempt == 1
        done_at_all = progress(queue, audit).inversions_done
        assert done_at_all == undisturbed.inversions, "none was asked for twice"
        assert report(queue, audit) == undisturbed.report


@pytest.mark.slow
def test_an_outage_of_redis_costs_an_audit_no_finished_cell(
    undisturbed: Undisturbed, tmp_path: Path
) -> None:
    with (
        RedisServer(append_only=True) as server,
        WorkerProcess(server.url, tmp_path),
        AuditorProcess(server.url, tmp_path / "auditor") as auditor,
        queue_at(server.url) as queue,
    ):
        audit = submit(queue, LONG)
        until(lambda: progress(queue, audit).cells_done >= 1)
        server.kill()
        # Housekeeping complains as well, but less often than the audit does.
        until(lambda: auditor.log.read_text().count("the queue does not answer") >= 3)
        server.start()
        assert ended(queue, audit).job.attempt == 1
        assert report(queue, audit) == undisturbed.report
        assert auditor.metric("preimage_audit_cells_total") <= 3, "the control, and two rows"


@pytest.mark.usefixtures("worker")
def test_an_auditor_that_leaves_hands_its_audit_back_uncounted(
    server: RedisServer, queue: Queue, tmp_path: Path
) -> None:
    endless = spec()
    endless.budget.steps = 4000
    with AuditorProcess(server.url, tmp_path / "auditor") as auditor:
        audit = submit(queue, endless)
        until(lambda: State.RUNNING in inversions(queue, audit))
        assert auditor.stop() == 0
        job = detail(queue, audit).job
        assert (job.state, job.deliveries) == (State.QUEUED, 0)
        assert State.CANCELLED not in inversions(queue, audit), "whoever goes on needs them"
    queue.delete(audit, TENANT)
    for each in queue.list_jobs(TENANT, limit=1000).jobs:
        queue.delete(each.id, TENANT)
