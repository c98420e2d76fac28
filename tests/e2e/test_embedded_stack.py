"""The embedded stack, whole: real processes, started by the command line and from Python."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from PIL import Image

from preimage import Client, State
from preimage.embedded import Stack, StackError, StackOptions
from tests.e2e.processes import children_of, wait_gone

PREIMAGE = Path(sys.executable).with_name("preimage")
CPU = {"PREIMAGE_THREADS": "1"}


@contextmanager
def up(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Runs `preimage up` on free ports and yields it with its target."""
    free = ("--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--device", "cpu")
    command = [str(PREIMAGE), "up", *free, *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, **CPU}
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def preimage(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(PREIMAGE), *arguments]
    environment = {**os.environ, **CPU, "PREIMAGE_DEVICE": "cpu"}
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "noise.png"
    pixels = np.random.default_rng(0).integers(0, 256, (32, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_up_serves_drains_on_sigterm_and_keeps_its_data_until_a_kill_leaves_nothing(
    tmp_path: Path, picture: Path
) -> None:
    data = str(tmp_path / "data")
    with up("--data", data) as (process, target):
        hog = ("--model", "hog", "--layer", "hog", "--steps", "3")
        ended = preimage(
            "invert",
            str(picture),
            *hog,
            "--target",
            target,
            "--json",
            "--out",
            str(tmp_path / "x.png"),
        )
        assert ended.returncode == 0, ended.stderr
        job_id = json.loads(ended.stdout)["id"]
        children = children_of(process.pid)
        assert len(children) == 4, "Redis, the frontend, a worker and an auditor"
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
        assert wait_gone(children) == []
    with up("--data", data) as (process, target):
        listed = json.loads(preimage("jobs", "--target", target, "--json").stdout)["jobs"]
        assert [(job["id"], job["state"]) for job in listed] == [(job_id, "SUCCEEDED")]
        children = children_of(process.pid)
        process.kill()
        assert len(children) == 4, "Redis, the frontend, a worker and an auditor"
        assert wait_gone(children) == []


def test_invert_embedded_needs_no_server_and_leaves_no_process(
    tmp_path: Path, picture: Path
) -> None:
    out = tmp_path / "x.png"
    hog = ("--model", "hogb", "--layer", "hogb", "--steps", "3", "--seed", "5")
    ended = preimage("invert", str(picture), *hog, "--embedded", "--out", str(out), "--json")
    assert ended.returncode == 0, ended.stderr
    answer = json.loads(ended.stdout)
    assert (answer["state"], answer["steps"], answer["seed"]) == ("SUCCEEDED", 3, 5)
    assert answer["errors"]["relative_delivered"] > 0
    with Image.open(out) as written:
        assert written.size == (40, 32)


def test_metrics_are_served_where_they_are_wanted() -> None:
    options = StackOptions(
        workers=2,
        service_metrics_listen="off",
        worker_metrics_listen="127.0.0.2:0",
        device="cpu",
        environment=CPU,
    )
    with Stack(options) as stack:
        assert not stack.announcements["frontend"]["metrics"]
        workers = [stack.announcements[name]["metrics"] for name in ("worker-0", "worker-1")]
    assert len(set(workers)) == 2
    assert [address.partition(":")[0] for address in workers] == ["127.0.0.2", "127.0.0.2"]


def test_a_stack_survives_the_thread_that_started_it_and_the_death_of_each_child(
    picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preimage.embedded.stack._YOUNG_SECONDS", 0.0)
    stack = Stack(StackOptions(device="cpu", environment=CPU))
    thread = Thread(target=stack.start)
    thread.start()
    thread.join()
    target, announcements = stack.target, dict(stack.announcements)
    try:
        with Client(target) as client:
            job = client.submit(picture, model="hog", layer="hog", steps=40)
            for name, sentence in {
                "worker-0": "worker-0 was killed by signal 9 and was started again; its jobs go on",
                "frontend": "The frontend was killed by signal 9 and was started again; the jobs",
                "redis": "Redis was killed by signal 9 and was started again; the jobs go on",
            }.items():
                log = f" Its log: {stack.logs / name}.log"
                stack.kill(name)
                said = stack.supervise() or ""
                assert said.startswith(sentence)
                assert said.endswith(log)
            assert stack.supervise() is None
            assert job.result(timeout_seconds=240).state is State.SUCCEEDED
    finally:
        stack.stop()
    assert stack.target == target
    assert stack.announcements["frontend"] == announcements["frontend"]
    assert stack.announcements["worker-0"]["metrics"] == announcements["worker-0"]["metrics"]
    assert stack.children == {}


def test_a_taken_port_is_an_error_of_the_start_and_an_early_death_one_of_the_supervision() -> None:
    with Stack(StackOptions(device="cpu", environment=CPU)) as stack:
        second = Stack(StackOptions(listen=stack.target, device="cpu", environment=CPU))
        with pytest.raises(StackError, match=stack.target):
            second.start()
        assert second.children == {}
        stack.kill("frontend")
        with pytest.raises(
            StackError, match="The frontend was killed by signal 9 soon after its start: "
        ):
            stack.supervise()
