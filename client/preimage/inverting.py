"""Handing in a job and waiting for it, as one: whoever stops waiting takes the job along.

A `PreimageError` is no reason to cancel: after it the job has ended, or can be taken up again by
its id. Everything else that ends the wait (Ctrl-C, a cancelled task, an error in a callback) leaves
nobody who would ask for the job.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from preimage.errors import PreimageError
from preimage.jobs import AsyncJob, Job
from preimage.running import run
from preimage.tracing import about, operation

if TYPE_CHECKING:
    from collections.abc import Callable

    from preimage.core import Core
    from preimage.events import Preview, Progress
    from preimage.handle import Handle
    from preimage.request import Request
    from preimage.results import AsyncResult, Result


def invert(
    core: Core,
    request: Request,
    on_progress: Callable[[Progress], None] | None = None,
    on_preview: Callable[[Preview], None] | None = None,
) -> Result:
    """Inverts; see `Client.invert`."""
    with operation(request.task, about(request)):
        handle = run(core.submit(request))
        try:
            return Job(handle).result(on_progress=on_progress, on_preview=on_preview)
        except PreimageError:
            raise
        except BaseException:
            run(handle.abandon())
            raise


async def invert_async(
    core: Core,
    request: Request,
    on_progress: Callable[[Progress], None] | None = None,
    on_preview: Callable[[Preview], None] | None = None,
) -> AsyncResult:
    """Inverts; see `AsyncClient.invert`."""
    with operation(request.task, about(request)):
        handle = await _submit_whole(core, request)
        try:
            return await AsyncJob(handle).result(on_progress=on_progress, on_preview=on_preview)
        except PreimageError:
            raise
        except BaseException:
            await handle.abandon()
            raise


async def _submit_whole(core: Core, request: Request) -> Handle:
    # A call that is cut off may have reached the server all the same: its job would be nobody's.
    submission = asyncio.ensure_future(core.submit(request))
    try:
        return await asyncio.shield(submission)
    except asyncio.CancelledError:
        with suppress(PreimageError):
            handle = await submission
            await handle.abandon()
        raise
