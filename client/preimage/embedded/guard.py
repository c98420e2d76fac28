"""Becomes another program that dies with its parent.

Run as a script: `guard.py PARENT_PID SIGNAL PROGRAM ARGUMENT…`. The kernel is asked to send SIGNAL
when the parent is gone, however it went, then the program takes the place of this process. That
request survives `exec`, but must be made between `fork` and `exec`. A program of its own keeps
Python code out of that window, in which a multithreaded process must not run any.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def _main() -> None:
    parent, death_signal, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    if os.getppid() != int(parent):
        raise SystemExit(1)  # the parent died before the request was made
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    _main()
