"""SIGTERM and SIGINT, heard even while the device computes.

Python runs signal handlers between two bytecodes of the main thread, which may be deep inside a
long step of the network. But whichever thread the kernel hands a signal to, Python writes its
number to a socket at once, and a thread of ours waits there. To block the signals and to wait for
them would not do: threads that libraries of mathematics start when they are imported block nothing,
and a signal that one of those gets would end the process.
"""

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from typing import final

log = logging.getLogger(__name__)

_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})


@final
class Shutdown:
    """The wish to stop. Make it first, in the main thread, and once."""

    def __init__(self) -> None:
        self.requested = threading.Event()
        """Set when the process shall stop."""
        self._wake: Callable[[], None] = lambda: None
        self._abandon: Callable[[], None] = lambda: None
        self._patience_seconds = 1.0
        self._heard, self._told = socket.socketpair()
        self._told.settimeout(0)
        signal.set_wakeup_fd(self._told.fileno())
        for number in _SIGNALS:
            signal.signal(number, _note)
        threading.Thread(target=self._listen, name="signals", daemon=True).start()

    def watch(
        self, wake: Callable[[], None], abandon: Callable[[], None], patience_seconds: float
    ) -> None:
        """Says what to do on a signal: `wake`; where that is not enough, `abandon` and exit."""
        self._wake, self._abandon = wake, abandon
        self._patience_seconds = patience_seconds

    def _listen(self) -> None:
        while (number := self._heard.recv(1)[0]) not in _SIGNALS:
            pass
        log.info("%s: handing jobs back", signal.Signals(number).name)
        self.requested.set()
        self._wake()
        timer = threading.Timer(self._patience_seconds, self._force)
        timer.daemon = True
        timer.start()

    def _force(self) -> None:
        log.warning("the device did not return in time: jobs go back as they stand")
        try:
            self._abandon()
        finally:
            os._exit(0)


def _note(_number: int, _frame: object) -> None:
    """Nothing more: the number has been written to the socket already."""
