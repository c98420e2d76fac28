"""What becomes of a job that has ended, or that made something raise."""

import logging
from collections.abc import Callable, Sequence

from preimage_logging import concerning
from preimage_worker.batching import is_out_of_memory, raise_if_device_lost
from preimage_worker.errors import (
    DivergedError,
    InvalidSpecError,
    JobError,
    OutOfMemoryError,
    WorkerError,
)
from preimage_worker.findings import Findings
from preimage_worker.inversion.errors import InversionError
from preimage_worker.inversion.outcome import Outcome
from preimage_worker.jobs import Crashed, Failed, Inverted, LaneResult, Settlement, Ticket
from preimage_worker.running import Running
from preimage_worker.spec import Plan

log = logging.getLogger(__name__)

Appraise = Callable[[Plan, Sequence[LaneResult]], Findings]
"""What looks at a job whose pre-images are all there."""


def conclude(running: Running, appraise: Appraise) -> Settlement:
    """The end of a job whose restarts all ended, or whose measurement failed."""
    ticket = running.delivery.ticket
    if running.fault:
        return blame(ticket, running.fault)
    lanes = tuple(running.finished[restart] for restart in sorted(running.finished))
    if all(lane.outcome is Outcome.DIVERGED for lane in lanes):
        return Failed(ticket, DivergedError(_diverged(running)))
    try:
        findings = appraise(running.plan, lanes)
    except Exception as error:  # noqa: BLE001 - what looking at one job raises ends that job only
        raise_if_device_lost(error)
        return blame(ticket, error)
    return Inverted(running.delivery, running.plan, lanes, running.largest_batch, findings)


def blame(ticket: Ticket, error: Exception) -> Settlement:
    """The end of a job that raised this by itself."""
    if isinstance(error, JobError):
        return Failed(ticket, error)
    if isinstance(error, InversionError):
        return Failed(ticket, InvalidSpecError(str(error)))
    if is_out_of_memory(error):
        return Failed(ticket, OutOfMemoryError(_no_memory("this job")))
    with concerning(ticket.id, ticket.trace):
        log.error("attempt %d failed", ticket.attempt, exc_info=error)
    if isinstance(error, WorkerError):  # such as weights that do not fit: the sentence tells it
        return Crashed(ticket, str(error))
    return Crashed(ticket, f"{type(error).__name__} in the worker; its log has the details.")


def too_large(running: Running) -> OutOfMemoryError:
    """Why a job was given up that does not fit the device even alone."""
    lanes = len(running.plan.problems)
    return OutOfMemoryError(_no_memory(f"{lanes} pre-images at once" if lanes > 1 else "this job"))


def _no_memory(what: str) -> str:
    return (
        f"The device has not enough memory for {what}: ask for fewer restarts, a smaller input "
        "size or a shallower layer."
    )


def _diverged(running: Running) -> str:
    steps = max(lane.steps for lane in running.finished.values())
    return (
        f"The objective stopped being finite within {steps} steps in every restart: use a smaller "
        "rate_factor or data_weight."
    )
