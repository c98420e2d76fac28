"""Waiting for a job without blocking Redis: looks that get rarer, outages that are bridged.

Nothing here waits in Redis. A look is one script; looks come quickly while something happens and up
to twice a second while nothing does.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Self, TypeVar, final

from preimage_queue import Job, QueueUnavailableError
from preimage_service.backend import Backend
from preimage_service.errors import PreimageNotFoundError

T = TypeVar("T")

_SLOWER = 1.5
_OUTAGE_PAUSE_SECONDS = 0.5
_log = logging.getLogger(__name__)


@final
@dataclass(frozen=True, slots=True)
class Pace:
    """How long to pause before the next look."""

    first_seconds: float
    longest_seconds: float
    seconds: float

    @classmethod
    def of(cls, first_seconds: float, longest_seconds: float) -> Self:
        """A pace at its beginning."""
        return cls(first_seconds, longest_seconds, first_seconds)

    def after(self, *, something: bool) -> "Pace":
        """The pace after a look that saw something, or nothing."""
        slower = min(self.seconds * _SLOWER, self.longest_seconds)
        return Pace(
            self.first_seconds, self.longest_seconds, self.first_seconds if something else slower
        )


WATCHING = Pace.of(0.05, 0.5)
"""For people who look at progress."""

INSTANT = Pace.of(0.01, 0.25)
"""For calls whose job takes a single forward pass."""


async def bridged(backend: Backend, look: Callable[[], Awaitable[T]]) -> T:
    """Look, and while Redis is away, look again for as long as the settings say.

    Raises:
        QueueUnavailableError: the queue's own, when Redis stayed away.
        DrainingError: the process is about to end.
    """
    clock = asyncio.get_running_loop().time
    away_since_seconds: float | None = None
    while True:
        try:
            return await look()
        except QueueUnavailableError:
            now_seconds = clock()
            away_since_seconds = now_seconds if away_since_seconds is None else away_since_seconds
            if now_seconds - away_since_seconds >= backend.settings.outage_seconds:
                raise
        _log.info("a waiting call bridges an outage of Redis")
        await backend.gate.sleep(_OUTAGE_PAUSE_SECONDS)


async def wait_for_end(backend: Backend, tenant: str, job_id: str, pace: Pace) -> Job:
    """Wait until a job is terminal.

    Raises:
        PreimageNotFoundError: it was deleted meanwhile.
        QueueUnavailableError: Redis stayed away.
        DrainingError: the process is about to end.
    """
    while True:
        page = await bridged(backend, lambda: backend.queue.read_events(job_id, tenant, count=1))
        if page is None:
            raise PreimageNotFoundError(job_id)
        if page.job.state.terminal:
            return page.job
        await backend.gate.sleep(pace.seconds)
        pace = pace.after(something=False)
