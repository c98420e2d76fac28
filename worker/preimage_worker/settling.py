"""Carrying settlements to the queue: what to write for each kind, fenced by the attempt.

A settlement may be carried out more than once (a reply can get lost): every step of it can be
repeated with the same effect.
"""

import logging
import time
from collections.abc import Callable
from typing import final

from preimage_queue import (
    Finish,
    FinishVerdict,
    Follower,
    HandBackMode,
    HandBackVerdict,
    Queue,
    State,
)
from preimage_tracing import Attributes, is_on
from preimage_worker import metrics
from preimage_worker.attempts import Ending
from preimage_worker.checkpoints import fits, pack
from preimage_worker.engine_version import engine
from preimage_worker.inversion.outcome import Outcome
from preimage_worker.inversion.settings import Loss
from preimage_worker.jobs import (
    Crashed,
    Delivery,
    Extracted,
    Failed,
    Inverted,
    LaneResult,
    Returned,
    Settlement,
    Stopped,
    Ticket,
)
from preimage_worker.models import Models
from preimage_worker.results.extracted import extracted
from preimage_worker.results.inverted import inverted
from preimage_worker.results.parcel import Parcel
from preimage_worker.results.provenance import Surroundings
from preimage_worker.results.status import error_status, status

log = logging.getLogger(__name__)

WORKER_ERROR = "WORKER_ERROR"
"""The reason of what is the worker's own failure."""


@final
class Settler:
    """Writes settlements to the queue."""

    def __init__(
        self,
        queue: Queue,
        models: Models,
        where: Surroundings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._models = models
        self._where = where
        self._clock = clock

    def settle(self, settlement: Settlement) -> tuple[Follower, ...] | None:
        """Ends or hands back one job; raises QueueError if the queue cannot be reached.

        Returns the traced jobs that ended with it; None if the queue believes another attempt.
        """
        match settlement:
            case Inverted():
                return self._inverted(settlement)
            case Extracted():
                return self._extracted(settlement)
            case Failed(ticket, error):
                payload = error_status(error)
                end = Finish(
                    id=ticket.id,
                    attempt=ticket.attempt,
                    state=State.FAILED,
                    error=payload,
                    reason=error.reason,
                )
                return self._finish(end, "failed")
            case Crashed(ticket, words):
                return self._hand_back(ticket, HandBackMode.FATAL, words)
            case Returned():
                return self._return(settlement)
            case Stopped(ticket):
                end = Finish(id=ticket.id, attempt=ticket.attempt, state=State.CANCELLED)
                return self._finish(end, "cancelled")

    def give_up(self, ticket: Ticket, words: str) -> None:
        """Hands back a job whose settlement could not be made into bytes: tried again, alone."""
        self._hand_back(ticket, HandBackMode.FAIL, words)

    def _inverted(self, done: Inverted) -> tuple[Follower, ...] | None:
        run_seconds = self._clock() - done.delivery.claimed_at
        served = self._models.served(done.plan.key.model)
        parcel = inverted(done, served, self._where, run_seconds)
        followers = self._deliver(done.delivery, parcel, keep=_is_reproducible(done))
        if followers is not None:
            metrics.RUN_SECONDS.observe(run_seconds)
            for lane in done.lanes:
                _count(done, lane)
        return followers

    def _extracted(self, done: Extracted) -> tuple[Follower, ...] | None:
        served = self._models.served(done.delivery.item.extract.representation.model)
        return self._deliver(done.delivery, extracted(done, served, self._where), keep=False)

    def _deliver(
        self, delivery: Delivery, parcel: Parcel, *, keep: bool
    ) -> tuple[Follower, ...] | None:
        ticket = delivery.ticket
        for name, data in parcel.files.items():
            self._queue.put_output(ticket.id, ticket.attempt, name, data)
        end = Finish(
            id=ticket.id,
            attempt=ticket.attempt,
            state=State.SUCCEEDED,
            result=parcel.result.SerializeToString(),
            keep=keep,
            outputs=tuple(parcel.files),
        )
        return self._finish(end, "succeeded")

    def _finish(self, end: Finish, outcome: str) -> tuple[Follower, ...] | None:
        reply = self._queue.finish(end, names_followers=is_on())
        if reply.verdict is FinishVerdict.STALE:
            metrics.STALE.inc()
            log.warning("attempt %d was too late", end.attempt)
            return None
        metrics.SETTLED.labels(outcome).inc()
        return reply.followers

    def _return(self, returned: Returned) -> tuple[Follower, ...] | None:
        ticket = returned.ticket
        if returned.snapshot and fits(returned.snapshot):
            data = pack(returned.snapshot)
            self._queue.put_checkpoint(ticket.id, ticket.attempt, returned.step, data)
        return self._hand_back(ticket, HandBackMode.SILENT, "")

    def _hand_back(
        self, ticket: Ticket, mode: HandBackMode, words: str
    ) -> tuple[Follower, ...] | None:
        reason = "" if mode is HandBackMode.SILENT else WORKER_ERROR
        error = status(reason, words) if reason else b""
        (verdict,) = self._queue.hand_back(
            [(ticket.id, ticket.attempt)], mode, reason=reason, error=error
        )
        if verdict is HandBackVerdict.STALE:
            metrics.STALE.inc()
        metrics.SETTLED.labels("handed_back" if reason == "" else "crashed").inc()
        return None if verdict is HandBackVerdict.STALE else ()


def ticket_of(settlement: Settlement) -> Ticket:
    """The job that a settlement is about."""
    if isinstance(settlement, Inverted | Extracted):
        return settlement.delivery.ticket
    return settlement.ticket


def ending_of(settlement: Settlement) -> Ending:
    """How an attempt ended that is settled like this."""
    match settlement:
        case Inverted():
            steps = max(lane.steps for lane in settlement.lanes)
            stops = sorted({lane.outcome.name.lower() for lane in settlement.lanes})
            said: Attributes = {"preimage.steps": steps, "preimage.stopped_by": stops}
            return Ending("succeeded", attributes=said)
        case Extracted():
            return Ending("succeeded")
        case Failed(_, error):
            return Ending("failed", error.reason, str(error))
        case Crashed(_, words):
            return Ending("crashed", WORKER_ERROR, words)
        case Returned():
            return Ending("handed_back", attributes={"preimage.steps": settlement.step})
        case Stopped():
            return Ending("cancelled")


def _is_reproducible(done: Inverted) -> bool:
    """Whether an equal job would end with this.

    Not if a deadline cut it short, nor if its frontend had heard of another engine than this one.
    """
    late = any(lane.outcome is Outcome.DEADLINE for lane in done.lanes)
    return not late and done.delivery.item.engine == engine()


def _count(done: Inverted, lane: LaneResult) -> None:
    metrics.FINISHED_STEPS.observe(lane.steps)
    if done.plan.settings.loss is not Loss.INNER:
        error = lane.measurement.relative_error_delivered
        # Combinations of layers are too many for labels.
        layer = "several" if done.findings.layers else done.plan.key.layer
        metrics.RELATIVE_ERROR.labels(done.plan.key.model, layer).observe(error)
