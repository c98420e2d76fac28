"""A worker that meets a Redis that comes and goes."""

import contextlib
import logging
import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from preimage_queue import QueueUnavailableError
from preimage_worker import starting
from tests.redis_server import RedisServer
from tests.worker import jobs
from tests.worker.process import WorkerProcess, until

ERRORS = 'preimage_queue_errors_total{kind="QueueUnavailableError"}'


def test_a_redis_that_goes_away_while_a_worker_starts_is_waited_for(tmp_path: Path) -> None:
    # The worker asks Redis before it reads its catalogue, and announces itself afterwards. A pipe
    # in the catalogue's place holds it in between.
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    with RedisServer(append_only=True) as server, contextlib.ExitStack() as cleaning:
        worker = WorkerProcess(server.url, tmp_path, PREIMAGE_CATALOGUE=str(pipe)).start()
        cleaning.push(worker)
        with pipe.open("w") as catalogue:
            server.kill()
            catalogue.write(jobs.CATALOGUE)
        until(lambda: "waiting for Redis" in worker.log.read_text() or worker.process.poll())
        server.start()
        until(lambda: "takes jobs" in worker.log.read_text() or worker.process.poll())
        assert worker.process.poll() is None, worker.log.read_text()
        assert worker.stop() == 0


def test_an_outage_is_counted_each_time_and_told_once_in_a_while(tmp_path: Path) -> None:
    with RedisServer(append_only=True) as server, WorkerProcess(server.url, tmp_path) as worker:
        server.kill()
        until(lambda: "the queue does not answer" in worker.log.read_text())
        until(lambda: worker.metric(ERRORS) >= 5)
        told = worker.log.read_text().count("the queue does not answer")
        assert 1 <= told < 5
        server.start()
        until(lambda: "the queue answers again" in worker.log.read_text())
        assert worker.stop() == 0


@pytest.mark.parametrize(("failures", "told"), [(0, 0), (1, 1), (15, 1), (16, 2)])
def test_a_worker_that_waits_at_its_start_says_so_at_once_and_then_once_in_a_while(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, failures: int, told: int
) -> None:
    monkeypatch.setattr(starting, "_WAIT_SECONDS", 0.0)
    errors = iter([QueueUnavailableError("Redis cannot be reached.")] * failures)

    def act() -> None:
        for error in errors:
            raise error

    shutdown = cast("Any", SimpleNamespace(requested=threading.Event()))
    with caplog.at_level(logging.INFO):
        assert starting.wait_for_redis(act, shutdown)
    assert sum("waiting for Redis" in each for each in caplog.messages) == told
