"""What Redis does for its file holds nobody up: written early, and anew by who comes last."""

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from preimage.embedded import Stack, StackOptions
from preimage.embedded.upkeep import put_children_last

PATIENCE_SECONDS = 20.0
"""Shorter than Linux leaves written pages alone by itself (vm.dirty_expire_centisecs, 30 s)."""
JUNK = b"x" * 2**23
_CACHESTAT, _ALL_PAGES = 451, (ctypes.c_uint64 * 2)()  # asm-generic/unistd.h; from 0 to the end

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="Only Linux can be asked for it.")


def _dirty_pages(path: Path) -> int:
    """Pages of a file that nobody has begun to write to the disk."""
    found = (ctypes.c_uint64 * 5)()  # linux/mman.h: cached, dirty, under way, evicted, of late
    with path.open("rb") as file:
        if ctypes.CDLL(None).syscall(_CACHESTAT, file.fileno(), _ALL_PAGES, found, 0):
            pytest.skip("This kernel does not say which pages are dirty (cachestat, Linux 6.5).")
    return int(found[1])


def _eventually(holds: Callable[[], bool]) -> bool:
    limit = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > limit:
            return False
        time.sleep(0.01)
    return True


@linux_only
def test_what_redis_appends_is_on_its_way_before_redis_asks_for_it() -> None:
    with Stack(StackOptions(workers=0)) as stack:
        url = stack.children["frontend"].environment["PREIMAGE_REDIS_URL"]
        with redis.Redis.from_url(url, protocol=2) as client:
            client.config_set("appendfsync", "no")
            client.set("junk", JUNK)
        files = stack.logs.parent.rglob("*.aof")
        (file,) = (path for path in files if path.stat().st_size > len(JUNK))
        assert _eventually(lambda: _dirty_pages(file) == 0)


@linux_only
def test_the_children_of_redis_leave_the_processor_to_others() -> None:
    sleeping = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    with subprocess.Popen([sys.executable, "-c", sleeping], stdin=subprocess.PIPE) as parent:
        listed = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
        assert _eventually(lambda: bool(listed.read_text("ascii")))
        child = int(listed.read_text("ascii"))
        before = os.getpriority(os.PRIO_PROCESS, child)
        put_children_last(parent.pid)
        put_children_last(parent.pid)
        assert os.getpriority(os.PRIO_PROCESS, child) == max(before, 10)
        assert os.getpriority(os.PRIO_PROCESS, parent.pid) == before
        parent.communicate(b"\n")


def test_a_server_that_is_gone_ends_nothing(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    put_children_last(gone.pid)
