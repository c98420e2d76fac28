"""Looking at processes that are not ours to wait for."""

import time
from pathlib import Path


def is_running(pid: int) -> bool:
    """Whether the process exists and is not a zombie that nobody collects."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text("utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def wait_gone(pids: list[int], patience_seconds: float = 60.0) -> list[int]:
    """Waits until the processes are gone and returns those that are still there."""
    deadline = time.monotonic() + patience_seconds
    while (left := [pid for pid in pids if is_running(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left
