"""Signals that end a command: what it does about the job that it waits for."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from preimage import cli
from preimage.v1 import preimage_pb2
from tests.client.fake import FakeServer

PROGRAM = Path(sys.executable).with_name("preimage")
Holds = Callable[[preimage_pb2.Preimage], bool]


@contextmanager
def waiting(
    server: FakeServer, picture: Path, ends: Holds, *prefix: str
) -> Iterator[subprocess.Popen[str]]:
    """`preimage invert` while it waits for a job that is held until `ends` says so."""
    service, is_held = server.service, threading.Event()

    def hold(job: preimage_pb2.Preimage) -> None:
        is_held.set()
        with service.lock:
            service.lock.wait_for(lambda: ends(job), timeout=60)

    service.gate = hold
    hog = ("--model", "hog", "--layer", "hog")
    command = [*prefix, str(PROGRAM), "invert", str(picture), *hog, "--out", "x.png"]
    variables = {**os.environ, "PREIMAGE_TARGET": server.target}
    with subprocess.Popen(
        command, env=variables, cwd=picture.parent, stderr=subprocess.PIPE, text=True
    ) as process:
        assert is_held.wait(60)
        yield process


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """SIGHUP as terminals leave it, even where these tests run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_who_ends_a_command_cancels_its_job(
    server: FakeServer, picture: Path, number: signal.Signals
) -> None:
    def cancelled(job: preimage_pb2.Preimage) -> bool:
        return job.state == preimage_pb2.STATE_CANCELLED

    with waiting(server, picture, cancelled) as process:
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Cancelled job job-1." in said.splitlines()
    assert server.service.requests["CancelPreimage"][0].id == "job-1"


def test_a_command_under_nohup_outlives_its_terminal(server: FakeServer, picture: Path) -> None:
    service = server.service
    release: list[bool] = []

    with waiting(server, picture, lambda _: bool(release), "nohup") as process:
        process.send_signal(signal.SIGHUP)
        with service.lock:
            release.append(True)
            service.lock.notify_all()
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert not service.requests["CancelPreimage"]


def test_a_command_that_is_ended_while_it_loads_says_nothing() -> None:
    program = """
import sys
class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == "preimage.cli.output":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
import preimage.cli
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_an_interrupt_outside_a_command_shows_no_traceback_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupted)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 130
