"""A child process that cannot outlive its parent and says why it died.

Its output goes to a log file: a file, unlike a pipe, never blocks the child when nobody reads. The
end of the log is the error message of a child that dies early.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from preimage.embedded import guard
from preimage.embedded.errors import StackError

__all__ = ["Child"]

_POLL_SECONDS = 0.02
_TAIL_LINES = 8
_TAIL_BYTES = 8192
# How the processes of the service begin the one sentence that says why they cannot start.
_SENTENCES = ("preimage service: ", "preimage worker: ", "preimage auditor: ")
_TITLES = {"redis": "Redis", "frontend": "The frontend"}


@final
@dataclass(kw_only=True)
class Child:
    """One process of the stack. It can be started again after it died.

    The kernel ends the child when the *thread* that started it ends: call `start` from a thread
    that lives as long as the child should.
    """

    name: str
    """What it is called in messages; also the name of its log."""
    command: Sequence[str]
    """The program with its arguments; the program as an absolute path."""
    environment: Mapping[str, str]
    """The whole environment."""
    log: Path
    """Where its output is appended."""
    is_ready: Callable[[], bool]
    """Whether it serves."""
    stop_seconds: float
    """How long it may take to end after `terminate`."""
    death_signal: signal.Signals = signal.SIGKILL
    """What the kernel sends it when the parent dies."""
    started_at: float = field(default=0.0, init=False)
    """When it was last started, on the monotonic clock."""
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _log_start: int = field(default=0, init=False)

    @property
    def title(self) -> str:
        """Its name at the beginning of a sentence."""
        return _TITLES.get(self.name, self.name)

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process and self.is_alive() else None

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Starts it in a session of its own, so that Ctrl-C reaches the parent only."""
        guarded = [
            *(sys.executable, "-I", "-S", guard.__file__),
            *(str(os.getpid()), str(int(self.death_signal)), *self.command),
        ]
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the command is ours
                guarded,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.environment),
                start_new_session=True,
            )
        self.started_at = time.monotonic()

    def wait_ready(self, timeout_seconds: float) -> None:
        """Waits until it serves.

        Raises:
          StackError: it died, with its last words, or it took too long.
        """
        deadline = time.monotonic() + timeout_seconds
        while not self.is_ready():
            if not self.is_alive():
                raise StackError(f"{self.title} could not start: {self.last_words()}")
            if time.monotonic() > deadline:
                raise StackError(
                    f"{self.title} was not ready after {timeout_seconds:.0f} s; "
                    f"its log is {self.log}."
                )
            time.sleep(_POLL_SECONDS)

    def ending(self) -> str:
        """How it ended, as the end of a sentence about it."""
        status = self._process.returncode if self._process else None
        if status is not None and status < 0:
            return f"was killed by signal {-status}"
        return f"ended with status {status}"

    def last_words(self) -> str:
        """Why it ended: its own sentence, else the end of what it wrote since its last start."""
        with contextlib.suppress(OSError), self.log.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start, end - _TAIL_BYTES))
            words = log.read().decode(errors="replace").strip()
            lines = [_said(line) for line in words.splitlines()]
            for beginning in _SENTENCES:
                if lines and lines[-1].startswith(beginning):
                    return lines[-1].removeprefix(beginning)
            if lines:
                return "\n".join(lines[-_TAIL_LINES:])
        return f"it {self.ending()} and wrote nothing."

    def terminate(self) -> None:
        """Asks it to end."""
        if self._process is not None:
            self._process.terminate()

    def wait_stopped(self) -> None:
        """Waits until it has ended, and ends it when its patience is over."""
        if self._process is None:
            return
        try:
            self._process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Ends it at once, as `kill -9` does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def _said(line: str) -> str:
    """What a line of a log says, whatever its form."""
    with contextlib.suppress(ValueError):
        if isinstance(read := json.loads(line), dict):
            return str(read.get("message", line))
    return line
