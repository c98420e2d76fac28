"""The stack that the storm goes over: a real Redis, frontend, workers and auditors, three proxies.

    clients ──proxy──▶ frontend ──proxy──▶ Redis ◀──proxy── workers, auditors

Redis runs as the embedded stack runs it, with AOF everysec. The lease is short and so are the
timeouts, so that a fault has its consequences within seconds.
"""

import asyncio
import contextlib
import os
import random
import re
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

import redis

from preimage.embedded import guard
from preimage.embedded.redis import answers, server_command
from preimage_queue import QueueSettings
from tests.chaos.patience import until
from tests.chaos.proxy import Proxy
from tests.redis_server import require_server

LEASE_SECONDS: Final = 2.5
CATALOGUE: Final = """
[models.tiny]
architecture = "torchvision:squeezenet1_0"
weights = { random = 1 }
input_size = [32, 32]
layers = ["features.0", "features.1"]
"""
QUICK: Final = {
    "OMP_NUM_THREADS": "1",
    "PREIMAGE_THREADS": "1",
    "PREIMAGE_DEVICE": "cpu",
    "PREIMAGE_SLOTS": "8",
    "PREIMAGE_DOWNLOAD_MODELS": "none",
    "PREIMAGE_ADMIN_LISTEN": "off",
    "PREIMAGE_SERVICE_METRICS_LISTEN": "off",
    "PREIMAGE_WORKER_METRICS_LISTEN": "off",
    "PREIMAGE_AUDITOR_METRICS_LISTEN": "off",
    "PREIMAGE_BEAT_SECONDS": "0.5",
    "PREIMAGE_CHECKPOINT_SECONDS": "0.5",
    "PREIMAGE_BOUNDARY_STEPS": "5",
    "PREIMAGE_REAP_SECONDS": "0.5",
    "PREIMAGE_QUEUE_LEASE_SECONDS": str(LEASE_SECONDS),
    "PREIMAGE_QUEUE_SOCKET_TIMEOUT_SECONDS": "1",
}
"""Settings with which a fault has its consequences within seconds."""
# Below the ports that systems give to whoever asks for any, so a frontend that was killed finds its
# port free when it comes back.
_PORTS: Final = range(15_000, 30_000)
_NOISE: Final = re.compile(r"nanobind|See https://nanobind| - (leaked|\.\.\.)")
_FSYNC_PATIENCE_SECONDS: Final = 2.0


class UnexpectedEndError(Exception):
    """A process ended that nobody had killed."""


def guarded(*command: str) -> list[str]:
    """The command, to be killed by the kernel when this process ends."""
    return [sys.executable, "-I", "-S", guard.__file__, str(os.getpid()), "9", *command]


class Process:
    """A process of the stack that is started directly."""

    def __init__(
        self, name: str, command: list[str], log: Path, environment: Mapping[str, str]
    ) -> None:
        self.name, self._command, self._log = name, command, log
        self._environment = dict(environment)
        self.doomed = False
        """Whether somebody means to end it."""
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it; does not wait until it serves."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *guarded(*self._command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
            )
        self.doomed = False

    async def end(self, how: signal.Signals) -> int:
        """Send a signal that ends it; returns its status."""
        assert self._process is not None
        self.require_alive()
        self.doomed = True
        self._process.send_signal(how)
        return await self._process.wait()

    def require_alive(self) -> None:
        """Raises UnexpectedEndError with the end of its log, if it has ended by itself."""
        ended = self._process is not None and self._process.returncode is not None
        if ended and not self.doomed:
            raise UnexpectedEndError(f"{self.name} ended by itself:\n{tail(self._log)}")


def tail(log: Path) -> str:
    """The end of a log, without what libraries say of their own memory at the end of a process."""
    lines = log.read_text("utf-8", "replace").splitlines()
    return "\n".join([line for line in lines if not _NOISE.match(line)][-30:])


def free_ports(number: int) -> list[int]:
    """Ports of loopback that nobody has now; drawn, because another storm may be choosing too."""
    free = []
    for port in random.sample(_PORTS, len(_PORTS)):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            free.append(port)
        if len(free) == number:
            return free
    raise RuntimeError("every port is taken")


class Stack:
    """Redis, the frontend and the proxies. Use it in an `async with` statement."""

    def __init__(self, workers: int, auditors: int, sabotage: str = "") -> None:
        require_server()
        # A unix socket's path may have about 100 characters, so the folder is a short one.
        self.folder = Path(tempfile.mkdtemp(prefix="pc-", dir="/tmp"))
        self.socket = self.folder / "redis.sock"
        self.sabotage = sabotage
        self.worker_count, self.auditor_count = workers, auditors
        (self.folder / "catalogue.toml").write_text(CATALOGUE)
        self._port, admin_port = free_ports(2)
        self.admin_target = f"127.0.0.1:{admin_port}"
        """Where operators find the frontend; no proxy is on their way."""
        self._ready = self.folder / "frontend.json"
        self.proxies = {
            "clients": Proxy("clients", lambda: asyncio.open_connection("127.0.0.1", self._port)),
            "frontend": Proxy("frontend", self._open_redis),
            "workers": Proxy("workers", self._open_redis),
        }
        self.redis = Process("redis", self._redis_command(), self.folder / "redis.log", os.environ)
        self.frontend: Process

    @property
    def target(self) -> str:
        """Where clients find the service, through the proxy."""
        return f"127.0.0.1:{self.proxies['clients'].port}"

    @property
    def direct_target(self) -> str:
        """Where the frontend listens, for looking at it after the storm."""
        return f"127.0.0.1:{self._port}"

    @property
    def queue_settings(self) -> QueueSettings:
        """The queue as the processes see it, past the proxies."""
        return QueueSettings(url=f"unix://{self.socket}", lease_seconds=LEASE_SECONDS)

    def environment(self, through: str, **own: str) -> dict[str, str]:
        """The environment of a process that reaches Redis through this proxy."""
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith("PREIMAGE_")},
            **QUICK,
            "PREIMAGE_CATALOGUE": str(self.folder / "catalogue.toml"),
            "PREIMAGE_REDIS_URL": f"redis://127.0.0.1:{self.proxies[through].port}/0",
            **own,
        }

    async def start_redis(self) -> None:
        """Start Redis on the data that it has, and wait until it answers."""
        await self.redis.start()
        await until(lambda: answers(self.socket), self.redis.require_alive)

    async def start_frontend(self) -> None:
        """Start the frontend on its port, and wait until it serves."""
        self._ready.unlink(missing_ok=True)
        await self.frontend.start()
        await until(self._ready.exists, self.frontend.require_alive)

    def wait_for_fsync(self) -> None:
        """Wait until Redis brings its file to the disk; some seconds at most."""
        limit = time.monotonic() + _FSYNC_PATIENCE_SECONDS
        with redis.Redis.from_url(self.queue_settings.url) as raw:
            while time.monotonic() < limit:
                if raw.info("persistence")["aof_pending_bio_fsync"]:  # type: ignore[index]
                    return
                time.sleep(0.0005)

    def require_alive(self) -> None:
        """Raises UnexpectedEndError if Redis or the frontend has ended by itself."""
        for process in (self.redis, self.frontend):
            process.require_alive()

    def _redis_command(self) -> list[str]:
        data = self.folder / "data"
        data.mkdir()
        return server_command(Path(require_server()), self.socket, data)

    async def _open_redis(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_unix_connection(str(self.socket))

    def _make_frontend(self) -> Process:
        module = ["tests.chaos.frontend", self.sabotage] if self.sabotage else ["preimage_service"]
        environment = self.environment(
            "frontend",
            PREIMAGE_LISTEN=self.direct_target,
            PREIMAGE_ADMIN_LISTEN=self.admin_target,
            PREIMAGE_READY_FILE=str(self._ready),
        )
        log = self.folder / "frontend.log"
        return Process("frontend", [sys.executable, "-m", *module], log, environment)

    async def __aenter__(self) -> Self:
        for proxy in self.proxies.values():
            await proxy.start()
        await self.start_redis()
        self.frontend = self._make_frontend()
        await self.start_frontend()
        return self

    async def __aexit__(self, *_: object) -> None:
        for proxy in self.proxies.values():
            await proxy.stop()
        for process in (self.frontend, self.redis):
            with contextlib.suppress(UnexpectedEndError, ProcessLookupError):
                await process.end(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)
