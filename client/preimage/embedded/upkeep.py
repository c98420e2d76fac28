"""Keeps what Redis does for its append-only file from holding everybody up.

Once a second Redis asks for an fsync, and Linux does next to nothing before it is asked. After a
second with a hundred megabytes of codes that takes 60 ms, and while it is under way no script that
promises something answers (`promises.lua`). Told to begin early, as PostgreSQL does it with its
`*_flush_after`, the kernel writes the same bytes and leaves the fsync a few milliseconds.

Now and then Redis has a child write the file anew. Where cores are few, the child takes them from
those who answer callers; nobody waits for it.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from preimage.embedded.process import Child

__all__ = ["begin_writing", "eased", "put_children_last"]

_EVERY_SECONDS = 0.05
_PATTERNS = ("*.aof", "appendonlydir/*.aof")
"""Of Redis up to 6.2, and from 7 on."""
_NICE = 10


@contextlib.contextmanager
def eased(redis: Child, data: Path) -> Iterator[None]:
    """Meanwhile, the upkeep of a server's file in `data` is spread out and comes last.

    Only Linux can be asked for it. Nothing depends on it: without, Redis does it all by itself.
    """
    over = threading.Event()

    def keep_easing() -> None:
        while not over.wait(_EVERY_SECONDS):
            begin_writing(data)
            if redis.pid is not None:
                put_children_last(redis.pid)

    thread = threading.Thread(target=keep_easing, name="upkeep", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def begin_writing(data: Path) -> None:
    """Tells the kernel to begin with what is not on the disk yet; does not wait for it.

    What is there already leaves the memory: nobody reads the file before the next start of Redis.
    """
    if sys.platform != "linux":  # elsewhere the advice begins nothing; here, mm/fadvise.c
        return
    for pattern in _PATTERNS:
        for path in data.glob(pattern):
            with contextlib.suppress(OSError):  # a file that has just been replaced
                descriptor = os.open(path, os.O_RDONLY)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(descriptor)


def put_children_last(pid: int) -> None:
    """Gives processor time to the children of a process where others leave some."""
    with contextlib.suppress(OSError):  # one that has just ended, or a system that has no /proc
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split():
            if os.getpriority(os.PRIO_PROCESS, int(child)) < _NICE:
                os.setpriority(os.PRIO_PROCESS, int(child), _NICE)
