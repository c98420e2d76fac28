"""How each process of the stack is started, and how it says that it is ready."""

import importlib.util
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import final

from preimage.embedded.errors import NotInstalledError
from preimage.embedded.process import Child
from preimage.embedded.redis import answers, find_server, server_command

__all__ = ["Children", "has_extra", "require_extras"]

# Each extra is known by a module that only it brings.
_EXTRAS = {
    "service": ("redis", "grpc_health"),
    "worker": ("redis", "torch"),
    "ui": ("nicegui",),
    "tracing": ("opentelemetry",),
}
# The frontend drains its streams, a worker hands its jobs back: both promise ten seconds.
_STOP_SECONDS = 15.0


def has_extra(extra: str) -> bool:
    """Whether "service", "worker", "ui" or "tracing" is installed; imports nothing."""
    return all(importlib.util.find_spec(module) is not None for module in _EXTRAS[extra])


def require_extras(*extras: str) -> None:
    """Checks that the frontend ("service") or the worker ("worker") can run here.

    Raises:
      NotInstalledError: an extra is missing.
    """
    for extra in extras:
        if not has_extra(extra):
            raise NotInstalledError(
                f"The extra [{extra}] is not installed, so this cannot run here: "
                "`pip install 'preimage[all]'`."
            )


@final
class Children:
    """Makes the processes of one stack."""

    def __init__(self, run: Path, data: Path, overrides: Mapping[str, str]) -> None:
        """Keeps sockets and ready files in `run`, the append-only file and the logs in `data`.

        `overrides` are variables that stand above everything but what holds the stack together.
        """
        self._run = run
        self._data = data
        self._socket = run / "redis.sock"
        self._overrides = overrides
        self._logs = data / "logs"
        self._logs.mkdir(mode=0o700, exist_ok=True)

    def redis(self) -> Child:
        """The Redis server. SIGTERM makes it write what it still holds, even if we are gone."""
        return Child(
            name="redis",
            command=server_command(find_server(), self._socket, self._data),
            environment=os.environ,
            log=self._logs / "redis.log",
            is_ready=lambda: answers(self._socket),
            stop_seconds=_STOP_SECONDS,
            death_signal=signal.SIGTERM,
        )

    def frontend(self, variables: Mapping[str, str]) -> Child:
        """The frontend process."""
        return self._python("frontend", "preimage_service", variables)

    def worker(self, index: int, variables: Mapping[str, str]) -> Child:
        """A worker process."""
        return self._python(f"worker-{index}", "preimage_worker", variables)

    def auditor(self, index: int, variables: Mapping[str, str]) -> Child:
        """An auditor process."""
        return self._python(f"auditor-{index}", "preimage_worker.auditor", variables)

    def announcement(self, child: Child) -> dict[str, str]:
        """What a process wrote when it became ready: its addresses."""
        text = self._ready_file(child.name).read_text("utf-8")
        announced: dict[str, str] = json.loads(text)
        return announced

    def withdraw(self, child: Child) -> None:
        """Forgets that a process was ready, before it is started again."""
        self._ready_file(child.name).unlink(missing_ok=True)

    def _ready_file(self, name: str) -> Path:
        return self._run / f"{name}.json"

    def _python(self, name: str, module: str, variables: Mapping[str, str]) -> Child:
        ready = self._ready_file(name)
        bound = {
            "PREIMAGE_REDIS_URL": f"unix://{self._socket}",
            "PREIMAGE_QUEUE_PASSWORD_FILE": "",  # that of a Redis elsewhere
            "PREIMAGE_READY_FILE": str(ready),
        }
        return Child(
            name=name,
            command=[sys.executable, "-P", "-m", module],
            environment={**os.environ, **variables, **self._overrides, **bound},
            log=self._logs / f"{name}.log",
            is_ready=ready.exists,
            stop_seconds=_STOP_SECONDS,
        )
