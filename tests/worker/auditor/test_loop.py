"""What an auditor makes of audits that raise what none should."""

import gc
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from google.rpc import status_pb2

from preimage_queue import Claimed, Queue, QueueUnavailableError, State
from preimage_queue.call import Call
from preimage_worker.announcing import Profile
from preimage_worker.auditor import loop
from preimage_worker.auditor.auditing import Tools
from preimage_worker.auditor.errors import LeavingError
from preimage_worker.auditor.loop import Auditor
from preimage_worker.pictures import Limits
from tests.worker import jobs
from tests.worker.auditor.auditing import AuditorProcess, spec, submit
from tests.worker.process import detail, queue_at


@pytest.fixture
def queue(redis_url: str) -> Iterator[Queue]:
    with queue_at(redis_url) as queue:
        yield queue


@pytest.fixture
def leaving() -> threading.Event:
    return threading.Event()


@pytest.fixture
def auditor(queue: Queue, leaving: threading.Event) -> Auditor:
    limits = Limits(sent=10_000, sought=10_000)
    tools = Tools(queue, jobs.models(), torch.device("cpu"), limits)
    return Auditor(tools, Profile("one", "cpu", 1, time.time()), leaving, beat_seconds=1)


def test_a_claim_whose_answer_is_lost_is_repeated_and_finds_its_audit(
    queue: Queue, auditor: Auditor, leaving: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, lost, attempts = queue.run, [], []

    def run(call: Call[Any]) -> object:
        answer = honest(call)
        if call.script == "claim" and answer and not lost:
            lost.append(answer)
            raise QueueUnavailableError("The answer is lost.")
        return answer

    def audit(_tools: object, claimed: Claimed, *_: object) -> None:
        attempts.append(claimed.attempt)
        leaving.set()
        raise LeavingError

    monkeypatch.setattr(queue, "run", run)
    monkeypatch.setattr(loop, "audit", audit)
    submit(queue, spec())
    auditor.run()
    assert lost
    assert attempts == [1]


def test_redis_may_go_away_as_soon_as_an_auditor_is_announced(
    queue: Queue, auditor: Auditor, leaving: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    auditor.announce()

    def run(_: Call[Any]) -> None:
        leaving.set()
        raise QueueUnavailableError("Redis cannot be reached.")

    monkeypatch.setattr(queue, "run", run)
    auditor.run()
    assert leaving.is_set()


class Pictures:
    """Hang on themselves, so that only the collector of cycles frees them."""

    def __init__(self) -> None:
        self.cycle = self


def test_what_an_audit_leaves_goes_with_it_and_not_when_the_collector_comes_by(
    queue: Queue, auditor: Auditor, leaving: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[weakref.ref[Pictures]] = []

    def audit(*_: object) -> None:
        kept.append(weakref.ref(Pictures()))
        leaving.set()
        raise LeavingError

    monkeypatch.setattr(loop, "audit", audit)
    submit(queue, spec())
    gc.disable()
    try:
        auditor.run()
        assert [each() for each in kept] == [None]
    finally:
        gc.enable()


Meet = Callable[[Exception], None]


@pytest.fixture
def meet(leaving: threading.Event, monkeypatch: pytest.MonkeyPatch) -> Meet:
    """Whatever is audited meets this, and the auditor leaves."""

    def change(error: Exception) -> None:
        def audit(*_: object) -> None:
            leaving.set()
            raise error

        monkeypatch.setattr(loop, "audit", audit)

    return change


def test_an_auditor_whose_device_is_lost_hands_its_audit_back_counted_and_ends(
    redis_url: str, queue: Queue, tmp_path: Path
) -> None:
    code = (
        "import sys\n"
        "from preimage_worker.auditor import __main__, loop\n"
        "def audit(*_):\n"
        "    raise RuntimeError('CUDA error: an illegal memory access was encountered')\n"
        "loop.audit = audit\n"
        "sys.exit(__main__.main())\n"
    )
    process = AuditorProcess(redis_url, tmp_path, PREIMAGE_ALLOW_VOLATILE_REDIS="1")
    process.command = [sys.executable, "-c", code]
    audit = submit(queue, spec())
    process.start()
    assert process.process.wait(120) == 3, process.log.read_text()
    job = detail(queue, audit).job
    assert (job.state, job.deliveries) == (State.QUEUED, 1), "it is for another process"
    assert not queue.list_workers()


def test_an_audit_that_has_no_room_in_memory_ends_with_a_sentence(
    queue: Queue, auditor: Auditor, meet: Meet
) -> None:
    meet(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB."))
    audit = submit(queue, spec())
    auditor.run()
    done = detail(queue, audit)
    assert (done.job.state, done.job.reason) == (State.FAILED, "OUT_OF_MEMORY")
    assert "not enough memory" in status_pb2.Status.FromString(done.error).message
