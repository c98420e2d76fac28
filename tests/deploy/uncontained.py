"""Runs a container's command on this machine: same command, same environment, same health check.

Only places differ: host names become the loopback address, ports become free ones, folders of the
image become folders of the test.
"""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, final

from preimage.embedded.process import Child
from preimage.embedded.redis import find_server
from tests.deploy.compose import ROOT

_PORTS = (6379, 8790, 8791, 8792, 8793, 8794)
_PATIENCE_SECONDS = 240


@final
class Machine:
    """This machine in the place of the containers'.

    Args:
        folder: where everything is kept.
        places: files of the containers, and what they are here.
    """

    def __init__(self, folder: Path, places: Mapping[str, Path]) -> None:
        self._folder = folder
        self._places = {
            "/weights": folder / "weights",
            "/cache": folder / "cache",
            "/etc/redis": ROOT / "deploy/redis",
            "/opt/preimage/health.py": ROOT / "deploy/docker/health.py",
            **places,
        }
        (folder / "weights").mkdir(exist_ok=True)  # an empty volume, as an image brings it
        self.processes: list[int] = []
        """Ids of what runs."""
        self.ports = dict(zip(_PORTS, _free_ports(len(_PORTS)), strict=True))
        server = find_server()
        programs = folder / "bin"
        programs.mkdir()
        for name in ("redis-server", "redis-cli"):
            (programs / name).symlink_to(
                server if name == "redis-server" else server.with_name(name)
            )
        self._path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.defpath])

    @contextlib.contextmanager
    def run(
        self, name: str, service: Mapping[str, Any], stop_seconds: float = 60.0
    ) -> Iterator[Child]:
        """Runs a container's command until the block ends; it is healthy inside the block."""
        home = self._folder / name
        home.mkdir()
        given = {key: self.here(value) for key, value in service["environment"].items()}
        environment = {"PATH": self._path, **given, "HOME": str(home), "TMPDIR": str(home)}
        program, *arguments = [self.here(word) for word in service["command"]]
        if name == "redis":
            arguments += [
                "--port",
                str(self.ports[6379]),
                "--bind",
                "127.0.0.1",
                "--dir",
                str(home),
            ]
        child = Child(
            name=name,
            command=[shutil.which(program, path=self._path) or program, *arguments],
            environment=environment,
            log=home / "log",
            is_ready=lambda: self.is_healthy(service),
            stop_seconds=stop_seconds,
        )
        child.start()
        try:
            child.wait_ready(_PATIENCE_SECONDS)
            assert child.pid is not None
            self.processes.append(child.pid)
            yield child
        finally:
            child.terminate()
            child.wait_stopped()

    def here(self, text: str) -> str:
        """What a word of the file means on this machine."""
        text = re.sub(r"@redis[.\w]*:", "@127.0.0.1:", text.replace("0.0.0.0:", "127.0.0.1:"))
        for inside, outside in self.ports.items():
            text = text.replace(f"127.0.0.1:{inside}", f"127.0.0.1:{outside}")
        for inside, place in self._places.items():
            text = re.sub(rf"(?<!\w){re.escape(inside)}\b", str(place), text)
        return text

    def is_healthy(self, service: Mapping[str, Any]) -> bool:
        """Whether a container's health check is content."""
        kind, *words = [self.here(word) for word in service["healthcheck"]["test"]]
        if kind == "CMD-SHELL":
            redis = f"redis-cli -h 127.0.0.1 -p {self.ports[6379]}"
            words = ["/bin/sh", "-c", words[0].replace("redis-cli", redis)]
        environment = {"PATH": self._path}
        ended = subprocess.run(words, check=False, env=environment, capture_output=True)
        return ended.returncode == 0


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
