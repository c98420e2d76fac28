"""The whole service as child processes: Redis, the frontend, workers, auditors.

The same programs with the same settings as in a deployment; only who starts them differs. So what
works against a `Stack` works against a server.
"""

import contextlib
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, final

from preimage.embedded.children import Children, require_extras
from preimage.embedded.errors import StackError
from preimage.embedded.folder import LockedFolder, make_run_folder
from preimage.embedded.process import Child
from preimage.embedded.upkeep import eased

__all__ = ["Stack", "StackOptions"]

_FREE = "127.0.0.1:0"
# Redis or a frontend that dies younger than this would die again.
_YOUNG_SECONDS = 30.0
_FRONTEND_ADDRESSES = {
    "target": "PREIMAGE_LISTEN",
    "admin": "PREIMAGE_ADMIN_LISTEN",
    "metrics": "PREIMAGE_SERVICE_METRICS_LISTEN",
}
_WORKER_ADDRESSES = {"metrics": "PREIMAGE_WORKER_METRICS_LISTEN"}
_AUDITOR_ADDRESSES = {"metrics": "PREIMAGE_AUDITOR_METRICS_LISTEN"}


@final
@dataclass(frozen=True, kw_only=True)
class StackOptions:
    """How to run a stack."""

    workers: int = 1
    """Number of worker processes."""
    auditors: int = 0
    """Number of auditor processes; without any, no audits are taken."""
    listen: str = "127.0.0.1:0"
    """HOST:PORT of the frontend; port 0 takes a free one."""
    admin_listen: str = "127.0.0.1:0"
    """HOST:PORT of the AdminService."""
    service_metrics_listen: str = _FREE
    """HOST:PORT of the frontend's metrics; "off" for none."""
    worker_metrics_listen: str = _FREE
    """HOST:PORT of the first worker's metrics, others take free ports; "off" for none of any."""
    device: str | None = None
    """Device of the workers: auto, cpu, cuda or cuda:N. None: PREIMAGE_DEVICE, or auto."""
    data: Path | None = None
    """Folder for jobs and logs, kept after the end. None: a temporary one, removed at the end."""
    start_seconds: float = 180.0
    """Patience with each process at its start: a first import of torch from a slow disk is slow."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """More variables for the frontend and the workers, over those of this process."""


@final
class Stack:
    """A running service, from `start` to `stop`.

    Attributes:
      children: the processes by name: "redis", "frontend", "worker-0", "auditor-0", …
      announcements: what each process but Redis said when it became ready: its addresses, device.
      logs: the folder of their logs.

    Use it as a context manager::

        with Stack() as stack, preimage.Client(stack.target) as client:
            ...

    Its processes end with it, however it ends, even by `kill -9`.
    """

    def __init__(self, options: StackOptions | None = None) -> None:
        """Takes the options; starts nothing yet."""
        self.options = options or StackOptions()
        self.children: dict[str, Child] = {}
        self.announcements: dict[str, dict[str, str]] = {}
        self.logs = Path()
        self._folders = contextlib.ExitStack()
        # The kernel ends a child with the thread that started it. This thread starts them all and
        # lives as long as the stack, whichever thread the caller is on.
        self._starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="stack")

    @property
    def target(self) -> str:
        """HOST:PORT for `Client`."""
        return self.announcements["frontend"]["target"]

    @property
    def admin_target(self) -> str:
        """HOST:PORT of the AdminService."""
        return self.announcements["frontend"]["admin"]

    def start(self) -> Self:
        """Starts everything and returns once it serves.

        Raises:
          NotInstalledError: a program or an extra is missing.
          StackBusyError: another stack works in the data folder.
          StackError: a process could not start; the message holds its last words.
        """
        require_extras("service", "worker")
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Drains and ends everything: the frontend first, the queue last. Can be called twice.

        Interrupted, as by a second Ctrl-C, it waits for the queue alone; it clears up all the same.
        """
        try:
            for stage in (_is_frontend, _is_worker, _is_redis):
                self._drain(stage)
        except BaseException:
            for child in self.children.values():
                if not _is_redis(child):
                    child.kill()
            self._drain(_is_redis)  # it writes what it still holds
            raise
        finally:
            self.children.clear()
            self._folders.close()
            self._starter.shutdown()

    def _drain(self, stage: Callable[[Child], bool]) -> None:
        children = [child for child in self.children.values() if stage(child)]
        for child in children:
            child.terminate()
        for child in children:
            child.wait_stopped()

    def kill(self, name: str) -> None:
        """Ends one process at once, as `kill -9` does."""
        self.children[name].kill()

    def restart(self, name: str) -> None:
        """Starts one process again, at the same addresses, and returns once it serves."""
        child = self.children[name]
        child.terminate()
        child.wait_stopped()
        self._make.withdraw(child)
        self._spawn(child)
        self._await(child)

    def supervise(self) -> str | None:
        """Looks once after the processes and restarts one that died.

        A worker is started again however young it died: it may be a job that killed it. The queue
        gives such a job up after a few deliveries; the service must not end before.

        Returns:
          A sentence about what was restarted, if anything was.

        Raises:
          StackError: Redis or the frontend died soon after its start, or one that died could not be
            started again.
        """
        for child in self.children.values():
            if child.is_alive():
                continue
            died = f"{child.title} {child.ending()}"
            young = time.monotonic() - child.started_at < _YOUNG_SECONDS
            if young and not _is_worker(child):
                raise StackError(f"{died} soon after its start: {child.last_words()}")
            self.restart(child.name)
            whose = "its" if _is_worker(child) else "the"
            return f"{died} and was started again; {whose} jobs go on. Its log: {child.log}"
        return None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self) -> None:
        self._make = self._make_children()
        redis = self._add(self._make.redis())
        redis.wait_ready(self.options.start_seconds)
        self._folders.enter_context(eased(redis, self._make.data))
        self._add(self._make.frontend(self._frontend_variables()))
        for index in range(self.options.workers):
            self._add(self._make.worker(index, self._worker_variables(index)))
        for index in range(self.options.auditors):
            self._add(self._make.auditor(index, self._auditor_variables()))
        for child in self.children.values():
            self._await(child)

    def _make_children(self) -> Children:
        run = make_run_folder()
        self._folders.callback(run.release, remove=True)
        data = run.path
        if self.options.data is not None:
            folder = LockedFolder(self.options.data)
            self._folders.callback(folder.release, remove=False)
            data = folder.path
        children = Children(run.path, data, self.options.environment)
        self.logs = data / "logs"
        return children

    def _add(self, child: Child) -> Child:
        self.children[child.name] = child
        self._spawn(child)
        return child

    def _spawn(self, child: Child) -> None:
        self._starter.submit(child.start).result()

    def _await(self, child: Child) -> None:
        child.wait_ready(self.options.start_seconds)
        if _is_redis(child):
            return
        announced = self._make.announcement(child)
        self.announcements[child.name] = announced
        # Started again, it must be where it was.
        variables = _addresses_of(child)
        fixed = {variables[each]: announced[each] for each in variables if announced[each]}
        child.environment = {**child.environment, **fixed}

    def _frontend_variables(self) -> dict[str, str]:
        return {
            "PREIMAGE_LISTEN": self.options.listen,
            "PREIMAGE_ADMIN_LISTEN": self.options.admin_listen,
            "PREIMAGE_SERVICE_METRICS_LISTEN": self.options.service_metrics_listen,
        }

    def _worker_variables(self, index: int) -> dict[str, str]:
        # Workers that each use every core slow each other down.
        threads = max(1, (os.cpu_count() or 1) // self.options.workers)
        listen = self.options.worker_metrics_listen
        if index and listen != "off":
            listen = f"{listen.rpartition(':')[0]}:0"
        device = self.options.device or os.environ.get("PREIMAGE_DEVICE", "auto")
        return {
            "PREIMAGE_DEVICE": device,
            "PREIMAGE_THREADS": os.environ.get("PREIMAGE_THREADS", str(threads)),
            "PREIMAGE_WORKER_METRICS_LISTEN": listen,
        }

    def _auditor_variables(self) -> dict[str, str]:
        # It waits for the workers' inversions most of the time, so it takes what device they have.
        device = self.options.device or os.environ.get("PREIMAGE_DEVICE", "auto")
        off = self.options.worker_metrics_listen == "off"
        return {
            "PREIMAGE_DEVICE": device,
            "PREIMAGE_AUDITOR_METRICS_LISTEN": "off" if off else _FREE,
        }


def _addresses_of(child: Child) -> Mapping[str, str]:
    """Variables of what a process announces."""
    if _is_frontend(child):
        return _FRONTEND_ADDRESSES
    return _AUDITOR_ADDRESSES if child.name.startswith("auditor") else _WORKER_ADDRESSES


def _is_frontend(child: Child) -> bool:
    return child.name == "frontend"


def _is_redis(child: Child) -> bool:
    return child.name == "redis"


def _is_worker(child: Child) -> bool:
    return not (_is_frontend(child) or _is_redis(child))
