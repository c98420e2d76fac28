"""How one body of code serves both clients.

Everything that the clients do is written once, as coroutines over a `Transport`. The asyncio
transport awaits; the synchronous one blocks and then returns. A coroutine of which no part ever
suspends is a plain function: `run` takes it from its first line to its return in one go, without an
event loop, so that the synchronous client also works where a loop is running already (in a
notebook, say).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine that never suspends, and returns what it returns.

    Raises:
        RuntimeError: it did suspend: it was written for an event loop.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        value: T = stop.value
        return value
    coroutine.close()
    raise RuntimeError("A coroutine of the synchronous client waited for an event loop.")
