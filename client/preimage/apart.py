"""Calls of gRPC where no signal interrupts them.

Python raises what a signal's handler raises (Ctrl-C's `KeyboardInterrupt`) between any two steps of
the main thread. gRPC's synchronous stubs are not written for that: an exception between taking a
lock and entering the block that frees it keeps the lock, and closing the channel then waits for
ever. Only the main thread is ever interrupted, so gRPC's part runs on another one while the main
thread waits for it; that wait is one step, which an interrupt ends cleanly.
"""

from __future__ import annotations

import _thread
import contextvars
import queue
import threading
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def apart(call: Callable[[], T]) -> T:
    """Makes a call that an interrupt of the main thread stops waiting for, but does not break.

    Returns what it returns and raises what it raises.
    """
    if threading.get_ident() != threading.main_thread().ident:
        return call()
    outcomes: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()
    context = contextvars.copy_context()  # of whoever traces the calls of gRPC
    try:
        # `Thread.start` waits under a lock of the same kind; a bare thread has none.
        _thread.start_new_thread(_settle, (lambda: context.run(call), outcomes))
    except RuntimeError:
        return call()  # there are no more threads, as at the end of the interpreter
    value, error = outcomes.get()
    if error is not None:
        raise error
    return cast("T", value)


def _settle(
    call: Callable[[], T], outcomes: queue.SimpleQueue[tuple[T | None, BaseException | None]]
) -> None:
    try:
        outcomes.put((call(), None))
    except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
        outcomes.put((None, error))
