"""Brings Redis' append-only file to the disk while it grows.

Redis asks for that once a second, and Linux does next to nothing before it is asked. After a second
with a hundred megabytes of codes the fsync takes 60 ms, and as long as it is under way no script
that promises something answers (`promises.lua`). Told to begin early, as PostgreSQL does it with its
`*_flush_after`, the kernel has the same bytes written, and leaves the fsync a few milliseconds.
"""

import contextlib
import ctypes
import os
import threading
from collections.abc import Iterator
from pathlib import Path

__all__ = ["begin_writing", "written_early"]

_EVERY_SECONDS = 0.05
_SYNC_FILE_RANGE_WRITE = 2  # linux/fs.h
_PATTERNS = ("*.aof", "appendonlydir/*.aof")
"""Of Redis up to 6.2, and from 7 on."""


@contextlib.contextmanager
def written_early(data: Path) -> Iterator[None]:
    """Meanwhile, what a Redis server appends to its files in `data` is soon on its way."""
    over = threading.Event()

    def keep_writing() -> None:
        while not over.wait(_EVERY_SECONDS):
            begin_writing(data)

    thread = threading.Thread(target=keep_writing, name="writeback", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def begin_writing(data: Path) -> None:
    """Tells the kernel to begin with what is not on the disk yet; does not wait for it.

    Only Linux has the call. Nothing depends on it: whatever goes wrong, Redis' fsync does it all.
    """
    write_range = getattr(ctypes.CDLL(None), "sync_file_range", None)
    if write_range is None:
        return
    for pattern in _PATTERNS:
        for path in data.glob(pattern):
            with contextlib.suppress(OSError):  # a file that has just been replaced
                descriptor = os.open(path, os.O_RDONLY)
                write_range(descriptor, ctypes.c_int64(0), ctypes.c_int64(0), _SYNC_FILE_RANGE_WRITE)
                os.close(descriptor)
