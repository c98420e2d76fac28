"""Jobs that live for a call: made, waited for, and cancelled when nobody waits any longer.

The job is made in a task of its own, so that a caller who goes away in that very moment does not
leave a job behind that nobody knows.
"""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, final

from preimage_logging import about
from preimage_queue import JobDetail, QueueError, QueueUnavailableError
from preimage_service.backend import Backend
from preimage_service.errors import DrainingError, ServiceError, WaitTimeoutError
from preimage_service.methods.reading import read_detail
from preimage_service.waiting import Pace, wait_for_end

_log = logging.getLogger(__name__)


@final
@dataclass(frozen=True, slots=True)
class Patience:
    """How a call waits for its job."""

    limit_seconds: float
    pace: Pace
    outlives_server: bool
    """Leave the job alone if this server ends or loses Redis: its caller can find it again."""


async def run_to_end(
    backend: Backend, tenant: str, enqueue: Coroutine[Any, Any, str], patience: Patience
) -> JobDetail:
    """Make a job (`enqueue` returns its id) and wait until it is terminal.

    Raises:
        WaitTimeoutError: the limit is over; the job is cancelled.
        DrainingError: the process is about to end.
        ServiceError: whatever `enqueue` raises.
    """
    making = asyncio.get_running_loop().create_task(enqueue)
    limit = patience.limit_seconds
    try:
        async with asyncio.timeout(limit):
            job_id = await asyncio.shield(making)
            await wait_for_end(backend, tenant, job_id, patience.pace)
    except TimeoutError:
        backend.afterwards(_abandon(backend, tenant, making, "the server's time limit for a call"))
        raise WaitTimeoutError(
            f"The job did not end within {limit:g} s and is cancelled: use CreatePreimage and"
            " WatchPreimage for long ones."
        ) from None
    except asyncio.CancelledError:
        backend.afterwards(_abandon(backend, tenant, making, "the caller went away"))
        raise
    except (DrainingError, QueueUnavailableError):
        if not patience.outlives_server:
            backend.afterwards(_abandon(backend, tenant, making, "the server lost its caller"))
        raise
    return await read_detail(backend, tenant, job_id)


async def _abandon(backend: Backend, tenant: str, making: asyncio.Task[str], reason: str) -> None:
    """Cancel a job that nobody waits for; failing to is worth a line in the log, no more."""
    try:
        job_id = await making
        about(job_id)
        _log.info("cancelled: %s", reason)
        await backend.queue.cancel(job_id, tenant, reason)
    except ServiceError:
        return  # it was refused, so there is no job
    except QueueError as error:
        _log.warning("nobody waits for it, and it could not be cancelled: %s", error)
