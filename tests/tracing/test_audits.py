"""An audit and its inversions are one trace."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from preimage_queue import Queue, State
from tests.redis_server import RedisServer
from tests.tracing.collector import Collector
from tests.tracing.recorded import named, way_up
from tests.worker.auditor.auditing import AuditorProcess, spec, submit
from tests.worker.process import WorkerProcess, ended, queue_at, until

TRACE, PARENT = "a" * 32, "b" * 16


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer(append_only=True) as running:
        yield running


@pytest.fixture
def queue(server: RedisServer) -> Iterator[Queue]:
    with queue_at(server.url) as queue:
        yield queue


@pytest.mark.slow
def test_inversions_belong_to_the_run_of_their_audit(
    server: RedisServer, queue: Queue, tmp_path: Path
) -> None:
    folders = [tmp_path / name for name in ("worker", "auditor")]
    for folder in folders:
        folder.mkdir()
    with (
        Collector() as collector,
        WorkerProcess(server.url, folders[0], **collector.variables),
        AuditorProcess(server.url, folders[1], **collector.variables) as auditor,
    ):
        audit = submit(queue, spec(), trace=f"00-{TRACE}-{PARENT}-01")
        assert ended(queue, audit).job.state is State.SUCCEEDED
        until(lambda: bool(named(collector.spans, "run batch", job_id=audit)))
        spans = collector.spans
        log = auditor.log.read_text("utf-8")
    (run,) = named(spans, "run batch", job_id=audit)
    assert (run.service, run.trace) == ("preimage-auditor", TRACE)
    inverted = [each for each in named(spans, "run batch") if each is not run]
    assert {each.service for each in inverted} == {"preimage-worker"}
    assert {each.trace for each in inverted} == {TRACE}
    for each in inverted:
        assert way_up(spans, each) == ["run batch", "wait batch", "run batch", "wait batch"]
    (settle,) = [each for each in named(spans, "settle batch") if each.parent == run.id]
    assert settle.service == "preimage-auditor"
    assert settle in named(spans, "settle batch", job_id=audit)
    lines = [line for line in log.splitlines() if "attempt 1" in line]
    assert len(lines) == 2
    assert all(f"audit {audit}: attempt 1" in line and f"(trace {TRACE})" in line for line in lines)
