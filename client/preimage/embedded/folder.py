"""The folders of a stack, and who may use them.

A stack holds an exclusive lock on every folder it works in. The lock belongs to the process, so it
is gone when the process is, even after `kill -9`: a folder whose lock can be had is nobody's. That
makes it safe to clear away what a killed stack left behind.
"""

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import IO, final

from preimage.embedded.errors import StackBusyError

__all__ = ["LockedFolder", "make_run_folder"]

_PREFIX = "preimage-stack-"
_LOCK = "stack.lock"
# A Unix socket's path may have 107 bytes on Linux; the names below the folder need up to 20.
_LONGEST_PATH = 60
# A folder that is just being made has no lock yet.
_YOUNG_SECONDS = 60.0


@final
class LockedFolder:
    """A folder that this process alone works in, until `release`."""

    def __init__(self, path: Path) -> None:
        """Makes the folder if need be, for this user only, and locks it.

        Raises:
          StackBusyError: another process holds it.
        """
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = path.resolve()
        lock = (self.path / _LOCK).open("ab")
        if not _take(lock):
            lock.close()
            raise StackBusyError(
                f"Another stack works in {path}: stop it, or give this one a folder of its own."
            )
        self._lock = lock

    def release(self, *, remove: bool) -> None:
        """Gives the folder up, and removes it with all that is in it if asked to."""
        if remove:
            shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def make_run_folder() -> LockedFolder:
    """Makes a private folder with a path short enough for sockets; clears abandoned ones."""
    parent = tempfile.gettempdir()
    if len(parent) > _LONGEST_PATH:
        parent = "/tmp"  # noqa: S108 - the folder made in it is private and has a random name
    for abandoned in Path(parent).glob(f"{_PREFIX}*"):
        _clear(abandoned)
    return LockedFolder(Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent)))


def _clear(folder: Path) -> None:
    """Removes a folder of this user whose stack is gone."""
    try:
        status = folder.stat()
        if status.st_uid != os.getuid() or time.time() - status.st_mtime < _YOUNG_SECONDS:
            return
        with (folder / _LOCK).open("rb") as lock:
            if _take(lock):
                shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        return  # somebody else cleared it


def _take(lock: IO[bytes]) -> bool:
    """Tries to lock the file; the lock is lost when the file is closed."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
