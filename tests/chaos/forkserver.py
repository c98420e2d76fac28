"""Starts workers and auditors in a quarter of a second instead of five: a process that forks them.

`python -m tests.chaos.forkserver [SABOTAGE]`. A worker's start is almost all import of torch, and
on two cores a storm could kill a worker every half minute at best. This process imports what a
worker imports, once, with one thread and nothing else begun, and forks. The child gets the
environment, the log and the session that a worker would have been started with, and goes on to
`preimage_worker.__main__.main` as `python -m preimage_worker` does, or to that of an auditor:
settings, signals, ready file, threads and connections are all made after the fork, and `kill -9`
hits a process of its own.

One line of JSON on stdin starts one, {"kind", "environment", "log", "witness"}, or sends a signal
to one, {"pid", "signal"}. One line on stdout tells that a worker has begun, {"began": PID}, or has
ended, {"ended": PID, "status"}, negative for a signal. Only the parent of a process knows for sure
that a process id is still that process: so signals go through here.
"""

import contextlib
import ctypes
import gc
import json
import os
import select
import signal
import sys
from pathlib import Path
from typing import Any, Final

import torchvision.models  # noqa: F401 - imported when a network is made

import preimage_worker.__main__ as worker
import preimage_worker.auditor.__main__ as auditor
from tests.chaos import sabotage, witness

_PR_SET_PDEATHSIG: Final = 1
_CHUNK: Final = 65536
_NICENESS: Final = 10
"""Workers compute elsewhere in a deployment. Here they share two cores with the frontend and Redis,
which must be measured, and with the clients, which measure."""

_MAINS: Final = {"worker": worker.main, "auditor": auditor.main}

Order = dict[str, Any]


def _tell(**facts: int) -> None:
    os.write(sys.stdout.fileno(), (json.dumps(facts) + "\n").encode())


def serve() -> Order | None:
    """Fork as told; returns the order in a child, and None in this process when stdin ends."""
    children: dict[int, int] = {}
    text = b""
    while True:
        ready, _, _ = select.select([0, *children], [], [])
        for descriptor in ready:
            if descriptor:
                _tell_end(children.pop(descriptor), descriptor)
                continue
            data = os.read(0, _CHUNK)
            if not data:
                return None
            *lines, text = (text + data).split(b"\n")
            for line in lines:
                order = json.loads(line)
                if _is_child(order, children):
                    return dict(order)


def _tell_end(pid: int, descriptor: int) -> None:
    os.close(descriptor)
    _, status = os.waitpid(pid, 0)
    _tell(ended=pid, status=os.waitstatus_to_exitcode(status))


def _is_child(order: Order, children: dict[int, int]) -> bool:
    """Does what the order says; True in a child that it has begun."""
    if "signal" in order:
        if order["pid"] in children.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(order["pid"], order["signal"])
        return False
    pid = os.fork()
    if pid == 0:
        for descriptor in children:
            os.close(descriptor)
        return True
    children[os.pidfd_open(pid)] = pid
    _tell(began=pid)
    return False


def become_process(order: Order) -> None:
    """Take on all by which a started process differs from a forked one."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    os.setsid()
    os.nice(_NICENESS)
    os.environ.clear()
    os.environ.update(order["environment"])
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(log)
    witness.watch(Path(order["witness"]))


def main() -> int:
    """Serve; in a child, be what was ordered."""
    if len(sys.argv) > 1:
        sabotage.break_scripts(sys.argv[1])
    gc.freeze()  # what is here now is shared by all children: collecting it would copy it
    _tell(began=0)
    order = serve()
    if order is None:
        return 0
    become_process(order)
    return _MAINS[order["kind"]]()


if __name__ == "__main__":
    sys.exit(main())
