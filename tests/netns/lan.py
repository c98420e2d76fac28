"""Hosts on a switch, made of network namespaces; nothing of it is seen outside.

A namespace lives as long as the process that was started in it, and that process as long as this
one: nothing has to be cleared away, however this process ends. This process itself is the host
`client`, so it must run in a namespace of its own.
"""

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from tests.chaos.patience import until
from tests.chaos.stack import guarded

CLIENT: Final = "client"
_BRIDGE: Final = "br0"
_NETWORK: Final = "10.77.0"
_NOBODY: Final = "02:00:00:00:00:01"
"""The address of no network card: what is sent to it reaches nobody, and nobody says so."""


@dataclass(frozen=True)
class Host:
    """A namespace with one network card, `eth0`."""

    name: str
    address: str
    pid: int
    """A process in it."""

    def command(self, *words: str) -> list[str]:
        """The command, to be run on this host."""
        return [_program("nsenter"), f"--net=/proc/{self.pid}/ns/net", "--", *words]

    def ip(self, words: str) -> None:
        """Run `ip` on this host."""
        subprocess.run(self.command(_program("ip"), *words.split()), check=True)


class Lan:
    """The switch and the hosts on it. Use it in an `async with` statement."""

    def __init__(self, *names: str) -> None:
        self._names = names
        self.hosts: dict[str, Host] = {}
        self._processes: list[asyncio.subprocess.Process] = []
        self._switch: Host

    @contextlib.contextmanager
    def unplugged(self, name: str) -> Iterator[None]:
        """The host's cable is out."""
        self._switch.ip(f"link set {_port(name)} down")
        try:
            yield
        finally:
            self._switch.ip(f"link set {_port(name)} up")

    @contextlib.contextmanager
    def deaf(self, receiver: str, sender: str) -> Iterator[None]:
        """Nothing from the sender reaches the receiver; the other direction is as ever."""
        host, address = self.hosts[sender], self.hosts[receiver].address
        host.ip(f"neigh replace {address} lladdr {_NOBODY} dev eth0 nud permanent")
        try:
            yield
        finally:
            host.ip(f"neigh del {address} dev eth0")

    async def _namespace(self) -> int:
        command = guarded(_program("unshare"), "--net", _program("sleep"), "infinity")
        process = await asyncio.create_subprocess_exec(*command)
        self._processes.append(process)
        await until(lambda: _space_of(process.pid) != _space_of(os.getpid()))
        return process.pid

    def _plug_in(self, host: Host) -> None:
        port = _port(host.name)
        host.ip("link set lo up")
        host.ip(f"link add eth0 type veth peer name {port} netns {self._switch.pid}")
        host.ip(f"addr add {host.address}/24 dev eth0")
        host.ip("link set eth0 up")
        self._switch.ip(f"link set {port} master {_BRIDGE} up")

    async def __aenter__(self) -> Self:
        self._switch = Host("switch", "", await self._namespace())
        self._switch.ip(f"link add {_BRIDGE} type bridge")
        self._switch.ip(f"link set {_BRIDGE} up")
        pids = {CLIENT: os.getpid()} | {name: await self._namespace() for name in self._names}
        for number, (name, pid) in enumerate(pids.items(), start=1):
            self.hosts[name] = Host(name, f"{_NETWORK}.{number}", pid)
            self._plug_in(self.hosts[name])
        return self

    async def __aexit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            await process.wait()


def _port(name: str) -> str:
    return f"v-{name}"


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is not installed")
    return found


def _space_of(pid: int) -> str:
    with contextlib.suppress(OSError):
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    return _space_of(os.getpid())
