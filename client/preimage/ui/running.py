"""An order becomes a job, and is followed to its end.

Who closes the tab leaves nobody who would ask for the job, so it is cancelled, as Ctrl-C does to
`preimage invert`. A job that is only looked at goes on without us.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, final

from preimage.errors import PreimageError

if TYPE_CHECKING:
    from preimage.aio import AsyncClient
    from preimage.events import Preview, Progress
    from preimage.jobs import AsyncJob
    from preimage.request import Settings
    from preimage.results import AsyncResult
    from preimage.sources import Source

__all__ = ["Follower", "Order", "follow", "run"]

CLOSED = "The page was closed."
_PREVIEW_STEPS = 10
"""As often as a job has boundaries; the service sends about one a second."""


@final
@dataclass(frozen=True, eq=False)
class Order:
    """What is to be inverted, and how."""

    source: Source
    """A picture or a code."""
    model: str
    """Name of a model."""
    layer: str
    """Name of its layer."""
    settings: Settings
    """All else."""


class Follower(Protocol):
    """Who shows what happens to a job."""

    def accepted(self, job: AsyncJob) -> None:
        """The job is there."""
        ...

    def progress(self, progress: Progress) -> None:
        """It is so far."""
        ...

    def preview(self, preview: Preview) -> None:
        """It looks like this by now."""
        ...


async def run(client: AsyncClient, order: Order, follower: Follower) -> AsyncResult:
    """Hands an order in and waits for its result; cancelled, it takes the job along.

    Raises:
        PreimageError: it was refused, failed, or was cancelled by somebody.
    """
    job = await _hand_in(client, order)
    try:
        return await follow(job, follower)
    except PreimageError:
        raise  # it has ended, or goes on and is in the list of jobs
    except BaseException:
        await _abandon(job)
        raise


async def follow(job: AsyncJob, follower: Follower) -> AsyncResult:
    """Waits for a job's result; cancelled, it leaves the job alone.

    Raises:
        PreimageError: it failed or was cancelled.
    """
    follower.accepted(job)
    return await job.result(on_progress=follower.progress, on_preview=follower.preview)


async def _hand_in(client: AsyncClient, order: Order) -> AsyncJob:
    submission = asyncio.ensure_future(
        client.submit(
            order.source,
            model=order.model,
            layer=order.layer,
            **(order.settings | {"preview_every_steps": _PREVIEW_STEPS}),
        )
    )
    try:
        return await asyncio.shield(submission)
    except asyncio.CancelledError:
        # It may have reached the service all the same.
        with suppress(PreimageError):
            await _abandon(await submission)
        raise


async def _abandon(job: AsyncJob) -> None:
    with suppress(PreimageError):
        await job.cancel(CLOSED)
