"""Attempts as jobs of the queue: brought there, waited for, read, and removed in the end.

A job's request_id is made of the audit's id and the attempt's name. So an auditor that takes up an
audit after another one finds what was computed already, and nothing runs twice.
"""

import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import final

from preimage.v1 import model_service_pb2
from preimage_orders import new_job
from preimage_queue import (
    Claimed,
    Conflict,
    JobDetail,
    MissingBlob,
    Queue,
    Quotas,
    Rejected,
    RejectReason,
    Submitted,
)
from preimage_tracing import current
from preimage_worker.audit.inverter import Attempt, Found
from preimage_worker.auditor.errors import InversionFailedError
from preimage_worker.auditor.finding import finding
from preimage_worker.auditor.hold import Hold
from preimage_worker.auditor.ordering import Asked, order, statistics
from preimage_worker.inversion.defences.fitted import Fitted
from preimage_worker.pictures import Limits

log = logging.getLogger(__name__)

_AT_ONCE = 256
"""Jobs in the queue at a time: enough for any worker, and few beside those of others."""
_LOOKED_AT = 16
"""Of these, the oldest, at each look."""
_LOOK_SECONDS = (0.05, 0.5)
_BLOB_SECONDS = 3600.0
_MOST_BYTES = 512 * 2**20
"""In one piece: on a longer string Redis closes the connection, as it would when it goes away."""
_PATIENT = {
    RejectReason.QUEUED_JOBS,
    RejectReason.QUEUED_BYTES,
    RejectReason.TENANT_JOBS,
    RejectReason.TENANT_BYTES,
    RejectReason.SLOT_SECONDS,
}
"""Refusals that pass with time. An audit waits for its turn like everybody."""
_OF_BYTES = {
    RejectReason.QUEUED_BYTES: "PREIMAGE_QUEUE_MAX_QUEUED_BYTES is",
    RejectReason.TENANT_BYTES: "your quota bytes_queued is",
}
"""Of these those that never pass for a job that is larger than all that may wait; the bounds."""


@final
class QueueInverter:
    """An `Inverter` of one audit."""

    def __init__(
        self,
        queue: Queue,
        claimed: Claimed,
        model: model_service_pb2.Model,
        hold: Hold,
        limits: Limits,
        *,
        quotas: Quotas,
        weight: float,
    ) -> None:
        """How jobs are brought to the queue.

        Args:
            queue: where they go.
            claimed: the audit.
            model: the one that is audited, as its workers announce it.
            hold: says whether to go on.
            limits: of pictures.
            quotas: the tenant's.
            weight: the tenant's.
        """
        self._queue = queue
        self._claimed = claimed
        self._model = model
        self._hold = hold
        self._limits = limits
        self._quotas = quotas
        self._weight = weight
        self._jobs: list[str] = []
        self._learnt: tuple[Fitted | None, bytes] = (None, b"")

    def invert(self, attempts: Sequence[Attempt]) -> list[Found]:
        """What each attempt found, in their order.

        Raises:
            StoppedError: this auditor may not go on.
            InversionFailedError: an inversion could not be carried out.
        """
        self.forget()  # one budget at a time: results of large pictures would fill Redis
        waiting, running = deque(attempts), dict[str, Attempt]()
        found: dict[str, Found] = {}
        shortest, longest = _LOOK_SECONDS
        pause = shortest
        while waiting or running:
            while waiting and len(running) < _AT_ONCE:
                attempt = waiting.popleft()
                running[self._bring(attempt)] = attempt
            ended = self._look(running)
            found |= ended
            self._hold.tell(more_inversions=len(ended))
            pause = shortest if ended else min(2 * pause, longest)
            self._hold.pause(pause)
        return [found[each.name] for each in attempts]

    def forget(self) -> None:
        """Remove all jobs so far: what they found is kept elsewhere by now."""
        if self._jobs:
            self._hold.confirm()
        self.remove()

    def remove(self) -> None:
        """The same of an audit that has ended, whoever holds it. Those that run stop first."""
        for job in self._jobs:
            self._queue.delete(job, self._claimed.tenant)
        self._jobs.clear()

    def _look(self, running: dict[str, Attempt]) -> dict[str, Found]:
        found = {}
        for job in list(running)[:_LOOKED_AT]:
            detail = self._queue.get_job(job, self._claimed.tenant)
            if detail is not None and not detail.job.state.terminal:
                continue
            attempt = running.pop(job)
            one = detail and self._finding(detail, attempt)
            if one is None:
                running[self._bring_again(attempt)] = attempt
            else:
                found[attempt.name] = one
        return found

    def _finding(self, detail: JobDetail, attempt: Attempt) -> Found | None:
        """What an ended job found; None if it was removed meanwhile."""
        channels = self._model.preprocessing.channels
        try:
            return finding(self._queue, detail, attempt, channels, self._limits)
        except InversionFailedError:
            self._hold.confirm()  # who cancels an audit cancels its inversions: heard of before it
            if self._queue.get_job(detail.job.id, self._claimed.tenant) is None:
                return None
            raise

    def _bring_again(self, attempt: Attempt) -> str:
        """Ask anew for what is gone.

        Two auditors may believe that they have one audit: one that was stopped for longer than its
        lease, until it hears of that, and the one that has taken over. They ask for the same jobs,
        and the former may remove what the latter waits for.
        """
        self._hold.confirm()
        log.warning("the inversion %s is gone, and asked for again", attempt.name)
        return self._bring(attempt)

    def _bring(self, attempt: Attempt) -> str:
        """Put an attempt into the queue, as soon as that takes it; the job's id."""
        asked = order(
            attempt,
            self._model,
            self._claimed.tenant,
            self._claimed.id,
            self._statistics(attempt.defence),
        )
        self._hold.check()
        answer = self._try(asked)
        if not isinstance(answer, str):
            while not isinstance(answer, str):
                self._hold.pause(answer)
                answer = self._try(asked)
            self._hold.tell(doing="inverting codes")  # and no longer waiting
        self._jobs.append(answer)
        return answer

    def _try(self, asked: Asked) -> str | float:
        """The job's id, or the seconds after which to try again."""
        _check_pieces(asked)
        tenant, quotas = self._claimed.tenant, self._quotas
        job = replace(new_job(asked.order), weight=self._weight, trace=current().traceparent)
        size = len(job.spec) + sum(map(len, set(asked.blobs)))
        for blob in asked.blobs:
            stored = self._queue.put_blob(tenant, blob, keep_seconds=_BLOB_SECONDS, quotas=quotas)
            if isinstance(stored, Rejected):
                return self._seconds(stored, size)
        reply = self._queue.submit(job, quotas)
        if isinstance(reply, Submitted):
            return reply.job_id
        if isinstance(reply, Rejected):
            return self._seconds(reply, size)
        if isinstance(reply, MissingBlob):
            return 0.0  # it expired in between
        return self._replace(reply)

    def _replace(self, other: Conflict) -> float:
        """Remove what another auditor has asked for by the same name.

        Codes of another device differ in their last bits, those of another version by more. One
        that runs goes as soon as its worker hears of it.
        """
        self._hold.confirm()
        log.warning("the inversion %s is of another auditor's codes: it is removed", other.job_id)
        self._queue.delete(other.job_id, self._claimed.tenant)
        return _LOOK_SECONDS[1]

    def _seconds(self, refusal: Rejected, size: int) -> float:
        """After which to try again to bring a job of so many bytes, inputs included."""
        if refusal.reason not in _PATIENT:
            raise InversionFailedError(f"The queue takes no inversion: {refusal.reason.sentence}")
        if refusal.reason in _OF_BYTES and size > refusal.limit:
            raise InversionFailedError(
                f"An inversion has {size} bytes, and {_OF_BYTES[refusal.reason]} {refusal.limit}. "
                "Audit a layer with smaller codes, or have that raised."
            )
        self._hold.tell(doing=f"waiting for the queue: {refusal.reason.sentence}")
        return refusal.retry_after_ms / 1000

    def _statistics(self, defence: Fitted | None) -> bytes:
        """Of one defence after the other: they are the largest thing here."""
        if defence is None:
            return b""
        if self._learnt[0] is not defence:
            self._learnt = (defence, statistics(defence))
        return self._learnt[1]


def _check_pieces(asked: Asked) -> None:
    largest = max(map(len, asked.blobs))
    if largest > _MOST_BYTES:
        raise InversionFailedError(
            f"An inversion needs {largest / 2**20:.0f} MiB in one piece, for a code or for what "
            f"its defence has learnt, and Redis takes {_MOST_BYTES / 2**20:.0f} MiB: audit a layer "
            "with smaller codes, or give the defence fewer components."
        )
