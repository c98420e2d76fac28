"""The auditor as a process, with a real worker for its inversions, on a real queue."""

import json
from collections.abc import Iterator

import pytest
from google.rpc import status_pb2

from preimage.v1 import audit_pb2
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
from tests.worker.process import TENANT, WorkerProcess, ended, queue_at, until


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Queue]:
    """A queue with a worker and an auditor."""
    folder = tmp_path_factory.mktemp("processes")
    with (
        RedisServer(append_only=True) as server,
        WorkerProcess(server.url, folder),
        AuditorProcess(server.url, folder / "auditor") as auditor,
        queue_at(server.url) as queue,
    ):
        yield queue
        assert "Traceback" not in auditor.log.read_text()


def test_an_audit_becomes_a_report_and_leaves_no_inversion_behind(queue: Queue) -> None:
    first, second = submit(queue, spec()), submit(queue, spec())
    assert ended(queue, first).job.state is State.SUCCEEDED
    assert ended(queue, second).job.state is State.SUCCEEDED
    rows = json.loads(report(queue, first))["rows"]
    assert {row["defence"] for row in rows} == {"none", "pool:k=2"}
    assert report(queue, first) == report(queue, second), "the same audit has the same report"
    assert inversions(queue, first) == []
    said = progress(queue, first)
    assert (said.cells_done, said.cells) == (2, 2)
    assert said.inversions_done > 0
    assert inversions(queue, second) == []


def test_an_audit_climbs_the_rungs_that_its_caller_chose(queue: Queue) -> None:
    rungs = [audit_pb2.AUDIT_RUNG_L1, audit_pb2.AUDIT_RUNG_A1]
    audit = submit(queue, spec(rungs=rungs, releases=3))
    assert ended(queue, audit).job.state is State.SUCCEEDED
    found = json.loads(report(queue, audit))
    assert (found["rungs"], found["releases"]) == (["B0", "L1", "A1"], 3)
    for row in found["rows"]:
        said = "Rungs left out by the caller: B1, A2, A3, A4; so absence cannot be said."
        assert said in row["notes"]
    assert progress(queue, audit).inversions_done == 0


def test_a_cancelled_audit_takes_its_inversions_along(queue: Queue) -> None:
    endless = spec()
    endless.budget.steps = 4000
    audit = submit(queue, endless)
    until(lambda: State.RUNNING in inversions(queue, audit))
    queue.cancel(audit, TENANT, "enough")
    assert ended(queue, audit).job.state is State.CANCELLED
    until(lambda: not inversions(queue, audit))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"layers": ["features.99"]}, "features.99"),
        ({"defences": [audit_pb2.Defence(chain="pol:k=2")]}, "pol"),
        ({"model": "absent"}, "absent"),
    ],
)
def test_what_cannot_be_audited_ends_with_a_sentence(
    queue: Queue, changes: dict[str, object], words: str
) -> None:
    asked = spec()
    for name in changes:
        asked.ClearField(name)  # type: ignore[arg-type]
    asked.MergeFrom(audit_pb2.AuditSpec(**changes))  # type: ignore[arg-type]
    done = ended(queue, submit(queue, asked))
    assert (done.job.state, done.job.reason) == (State.FAILED, "INVALID_SPEC")
    assert words in status_pb2.Status.FromString(done.error).message
