"""The service on its hosts: one process each, Redis with a password, nobody restarted."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Final, Self

import redis

from preimage.embedded.redis import server_command
from preimage_queue import QueueSettings
from tests.chaos.patience import until
from tests.chaos.stack import CATALOGUE, LEASE_SECONDS, QUICK, Process
from tests.netns.lan import Lan
from tests.redis_server import require_server

REDIS, FRONTEND = "redis", "frontend"
WORKERS: Final = ("worker-0", "worker-1")
HOSTS: Final = (REDIS, FRONTEND, *WORKERS)
_PASSWORD: Final = "open-sesame"
_RIGHTS: Final = "~* &* +@all -@admin -@dangerous +info +config|get +client|setname"
"""As docker-compose.yml gives them."""


class Service:
    """All processes. Use it in an `async with` statement, inside the network's."""

    def __init__(self, lan: Lan) -> None:
        self._lan = lan
        self._folder = Path(tempfile.mkdtemp(prefix="pn-"))
        (self._folder / "catalogue.toml").write_text(CATALOGUE)
        self.target = f"{lan.hosts[FRONTEND].address}:8790"
        url = f"redis://preimage:{_PASSWORD}@{lan.hosts[REDIS].address}:6379/0"
        self.queue_settings = QueueSettings(url=url, lease_seconds=LEASE_SECONDS)
        modules = {FRONTEND: "preimage_service"} | dict.fromkeys(WORKERS, "preimage_worker")
        self.processes = {
            REDIS: self._process(REDIS, self._redis_command()),
            **{
                name: self._process(name, [sys.executable, "-m", module])
                for name, module in modules.items()
            },
        }

    def require_alive(self) -> None:
        """Raises UnexpectedEndError if a process has ended."""
        for process in self.processes.values():
            process.require_alive()

    async def end(self) -> None:
        """End all but Redis as an operator would."""
        names = [name for name in self.processes if name != REDIS]
        await asyncio.gather(*(self.processes[name].end(signal.SIGTERM) for name in names))

    def _process(self, name: str, command: list[str]) -> Process:
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PREIMAGE_")},
            **QUICK,
            "PREIMAGE_CATALOGUE": str(self._folder / "catalogue.toml"),
            "PREIMAGE_REDIS_URL": self.queue_settings.url,
            "PREIMAGE_READY_FILE": str(self._ready(name)),
            "PREIMAGE_LISTEN": self.target,
            "PREIMAGE_ALLOW_ANONYMOUS": "1",
            # A job may lose as many workers as there are cuts, and must still end well.
            "PREIMAGE_QUEUE_MAX_DELIVERIES": "30",
        }
        log = self._folder / f"{name}.log"
        return Process(name, self._lan.hosts[name].command(*command), log, environment)

    def _ready(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _redis_command(self) -> list[str]:
        data = self._folder / "data"
        data.mkdir()
        rights = f"user default off\nuser preimage on >{_PASSWORD} {_RIGHTS}\n"
        (self._folder / "users.acl").write_text(rights)
        return [
            *server_command(Path(require_server()), self._folder / "unused.sock", data),
            *("--bind", self._lan.hosts[REDIS].address, "--port", "6379"),
            *("--aclfile", str(self._folder / "users.acl")),
        ]

    def _redis_answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.queue_settings.url) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False

    async def __aenter__(self) -> Self:
        await self.processes[REDIS].start()
        await until(self._redis_answers, self.require_alive)
        for name in (FRONTEND, *WORKERS):
            await self.processes[name].start()
        for name in (FRONTEND, *WORKERS):
            await until(self._ready(name).exists, self.require_alive, f"{name} being ready")
        return self

    async def __aexit__(self, *_: object) -> None:
        for process in self.processes.values():
            if not process.doomed:
                await process.end(signal.SIGKILL)
        shutil.rmtree(self._folder, ignore_errors=True)
