"""Shows log files on stderr while they grow."""

import sys
import threading
from pathlib import Path
from typing import Self, final

from preimage.cli.lines import as_json, in_json

__all__ = ["LogFollower"]

_LOOK_SECONDS = 0.2


@final
class LogFollower:
    """Copies what is added to the logs of a folder to stderr, each line with its process's name."""

    def __init__(self, folder: Path, *, enabled: bool) -> None:
        """Follows the `*.log` files of `folder`; does nothing unless enabled."""
        self._folder = folder
        self._offsets: dict[Path, int] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True) if enabled else None

    def __enter__(self) -> Self:
        if self._thread:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread:
            self._thread.join()

    def _follow(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            self._copy()
        self._copy()

    def _copy(self) -> None:
        for log in sorted(self._folder.glob("*.log")):
            with log.open("rb") as file:
                file.seek(self._offsets.get(log, 0))
                complete, newline, _ = file.read().rpartition(b"\n")
            self._offsets[log] = self._offsets.get(log, 0) + len(complete + newline)
            for line in complete.decode(errors="replace").splitlines():
                sys.stderr.write(f"{_shown(log.stem, line)}\n")


def _shown(name: str, line: str) -> str:
    """A line with the name of its process. One that is JSON names it itself; Redis has no JSON."""
    if not in_json():
        return f"{name:>10} | {line}"
    return line if line.startswith("{") else as_json(line, name)
