"""SIGTERM and SIGINT, heard even while the device computes.

Python runs signal handlers between two bytecodes of the main thread, which may be deep inside a
long step of the network. So the signals are blocked everywhere and a thread waits for them.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable
from typing import final

log = logging.getLogger(__name__)

_SIGNALS = {signal.SIGTERM, signal.SIGINT}


@final
class Shutdown:
    """The wish to stop. Make it first in the main thread: later threads inherit the blocking."""

    def __init__(self) -> None:
        self.requested = threading.Event()
        """Set when the process shall stop."""
        self._wake: Callable[[], None] = lambda: None
        self._abandon: Callable[[], None] = lambda: None
        self._patience_seconds = 1.0
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        threading.Thread(target=self._listen, name="signals", daemon=True).start()

    def watch(
        self, wake: Callable[[], None], abandon: Callable[[], None], patience_seconds: float
    ) -> None:
        """Says what to do on a signal: `wake`; where that is not enough, `abandon` and exit."""
        self._wake, self._abandon = wake, abandon
        self._patience_seconds = patience_seconds

    def _listen(self) -> None:
        number = signal.sigwait(_SIGNALS)
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
