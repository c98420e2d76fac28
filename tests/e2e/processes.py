"""Looking at processes that are not ours to wait for."""

import time
from pathlib import Path


def is_running(pid: int) -> bool:
    """Whether the process exists and is not a zombie that nobody collects."""
    return _status(pid)[:1] not in ([], ["Z"])


def wait_gone(pids: list[int], patience_seconds: float = 60.0) -> list[int]:
    """Waits until the processes are gone and returns those that are still there."""
    deadline = time.monotonic() + patience_seconds
    while (left := [pid for pid in pids if is_running(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def children_of(pid: int) -> list[int]:
    """The processes that this one started and that still run."""
    everyone = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    return [each for each in everyone if _status(each)[1:2] == [str(pid)] and is_running(each)]


def _status(pid: int) -> list[str]:
    """State, parent and the other fields behind the name in /proc/PID/stat; empty: it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()
