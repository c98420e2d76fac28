"""The end of a frontend, in three steps that every call can see.

OPEN: all calls are answered. REFUSING: what would begin new work is refused, what is under way gets
time. CLOSING: whoever waits for a job stops waiting, with an error that says to ask elsewhere. A
client loses nothing: watches are resumable and jobs are in the queue.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import final

from preimage_service.errors import DrainingError


@final
class Stage(Enum):
    """How far the end has come."""

    OPEN = "All calls are answered."
    REFUSING = "New work is refused, running calls go on."
    CLOSING = "Nobody waits any more."


@final
class Gate:
    """What calls pass on their way in, and look at while they wait. For one event loop."""

    def __init__(self) -> None:
        self.stage = Stage.OPEN
        self._closing = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._inside = 0

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Count a call that deserves time to end."""
        self._inside += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                self._idle.set()

    def check_open(self) -> None:
        """Let new work in.

        Raises:
            DrainingError: the process is about to end.
        """
        if self.stage is not Stage.OPEN:
            raise DrainingError

    async def sleep(self, seconds: float) -> None:
        """Wait.

        Raises:
            DrainingError: as soon as nobody may wait any more.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return
        raise DrainingError

    def refuse(self) -> None:
        """Let no new work in from now on."""
        self.stage = Stage.REFUSING

    async def wait_until_idle(self, seconds: float) -> None:
        """Wait until no call is inside, but not for longer than this."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return

    def close(self) -> None:
        """Wake everybody who waits."""
        self.stage = Stage.CLOSING
        self._closing.set()
