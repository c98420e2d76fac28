"""How a process ends that is told to before it listens."""

import os
import signal
from types import FrameType

_SIGNALLED = 128


def end_while_loading() -> None:
    """Ends this process at once on SIGINT and SIGTERM, until it has handlers of its own.

    Loading takes seconds, and there is nothing to hand back yet. Python would show where Ctrl-C met
    it, and the first process of a container would not hear SIGTERM at all.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    os._exit(_SIGNALLED + number)  # quietly: nothing is open, and threads of libraries may run
