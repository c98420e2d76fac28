"""Calls of gRPC where no signal interrupts them.

Python raises what a signal's handler raises (Ctrl-C's `KeyboardInterrupt`) between any two steps of
the main thread. gRPC's synchronous stubs are not written for that: an exception between taking a
lock and entering the block that frees it keeps the lock, and closing the channel then waits for
ever. Only the main thread is ever interrupted, so gRPC's part runs on another one while the main
thread waits for it, a little at a time.
"""

from __future__ import annotations

import _thread
import contextlib
import contextvars
import queue
import sys
import threading
from typing import TYPE_CHECKING, TypeVar, cast

from preimage.errors import PreimageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    _Outcomes: TypeAlias = queue.SimpleQueue[tuple["T | None", BaseException | None]]

T = TypeVar("T")

_LOOK_SECONDS = 0.2


def apart(
    call: Callable[[], T],
    give_up: Callable[[], object] | None = None,
    directly: Callable[[], T] | None = None,
) -> T:
    """Makes a call that an interrupt of the main thread stops waiting for, but does not break.

    Args:
        call: what to do.
        give_up: what ends it early, if anything does; called when nobody waits any more.
        directly: the same as `call` where it needs no thread of its own, if there is such a way.

    Returns what the call returns and raises what it raises.
    """
    directly = directly or call
    if threading.get_ident() != threading.main_thread().ident or sys.is_finalizing():
        return directly()
    outcomes: _Outcomes[T] = queue.SimpleQueue()
    try:
        outcome = _outcome(outcomes) if _begins(call, outcomes) else None
    except BaseException:
        if give_up is not None:
            apart(give_up)
        raise
    if outcome is None:
        return directly()
    value, error = outcome
    if error is None:
        return cast("T", value)
    try:
        raise error
    finally:
        del error, outcome  # it knows this frame: what gRPC holds would live until a collection


def _begins(call: Callable[[], T], outcomes: _Outcomes[T]) -> bool:
    """Begins it on another thread; false: there are no more, as at the end of Python 3.12."""
    context = contextvars.copy_context()  # of whoever traces the calls of gRPC
    try:
        # `Thread.start` waits under a lock of the same kind; a bare thread has none.
        _thread.start_new_thread(_settle, (lambda: context.run(call), outcomes))
    except RuntimeError:
        return False
    return True


def check_that_threads_may_start() -> None:
    """For what gRPC begins on a thread of its own: where it may not, closing waits for ever.

    Raises:
        PreimageError: none may any more; Python 3.12 is like that from the script's last line on.
    """
    try:
        _thread.start_new_thread(_nothing, ())
    except RuntimeError:
        raise PreimageError(
            "The program is ending: it is too late to watch a job or to download a result."
        ) from None


def _nothing() -> None:
    pass


def _outcome(outcomes: _Outcomes[T]) -> tuple[T | None, BaseException | None]:
    """Waits, a little at a time: a signal that comes just as a wait begins is seen at its end."""
    while True:
        with contextlib.suppress(queue.Empty):
            return outcomes.get(timeout=_LOOK_SECONDS)


def _settle(call: Callable[[], T], outcomes: _Outcomes[T]) -> None:
    try:
        outcomes.put((call(), None))
    except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
        outcomes.put((None, error))
