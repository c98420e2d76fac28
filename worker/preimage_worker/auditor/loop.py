"""The loop of an auditor: one audit after the other."""

import logging
import secrets
import threading
import time
from collections.abc import Mapping
from typing import final

from google.protobuf.message import DecodeError

from preimage.v1 import work_pb2
from preimage_orders import AUDIT_POOL
from preimage_queue import (
    Claimed,
    Finish,
    FinishVerdict,
    HandBackMode,
    Queue,
    QueueError,
    State,
    WorkerNotice,
)
from preimage_worker import metrics
from preimage_worker.audit.errors import AuditError
from preimage_worker.auditor.auditing import Tools, audit
from preimage_worker.auditor.errors import (
    CancelledError,
    InversionFailedError,
    LeaseLostError,
    LeavingError,
)
from preimage_worker.auditor.hold import Hold
from preimage_worker.errors import InvalidSpecError
from preimage_worker.inversion.errors import InversionError
from preimage_worker.results.status import status

log = logging.getLogger(__name__)

_IDLE_SECONDS = 0.5
_HOUSEKEEPING_SECONDS = 4.0
_TROUBLE_SECONDS = 2.0
_INVALID, _FAILED = "INVALID_SPEC", "WORKER_ERROR"


@final
class Auditor:
    """Claims audits until it is told to leave."""

    def __init__(
        self, tools: Tools, notice: WorkerNotice, leaving: threading.Event, beat_seconds: float
    ) -> None:
        """Who it is, and what ends it.

        Args:
            tools: what audits are done with.
            notice: what it says of itself, again and again.
            leaving: set when it shall end; the audit at hand goes back to the queue.
            beat_seconds: between two renewals of a lease.
        """
        self._tools = tools
        self._notice = notice
        self._leaving = leaving
        self._beat_seconds = beat_seconds
        self._housekeeper = threading.Thread(target=self._keep_house, daemon=True)

    @property
    def _queue(self) -> Queue:
        return self._tools.queue

    def run(self) -> None:
        """Returns once `leaving` is set."""
        self._queue.announce(self._notice)
        self._housekeeper.start()
        while not self._leaving.is_set():
            try:
                claimed = self._claim()
                if claimed is None:
                    self._leaving.wait(_IDLE_SECONDS)
                else:
                    self._take_on(claimed)
            except QueueError as error:
                self._note(error)
                self._leaving.wait(_TROUBLE_SECONDS)
        self._housekeeper.join()

    def _claim(self) -> Claimed | None:
        claimed = self._queue.claim(
            self._notice.name,
            secrets.token_hex(8),
            pools=(AUDIT_POOL,),
            free_slots=1,
            capacity_slots=1,
        )
        return claimed[0] if claimed else None

    def _keep_house(self) -> None:
        """Be known as alive, and return to the queue what dead ones held."""
        while not self._leaving.wait(_HOUSEKEEPING_SECONDS):
            try:
                self._queue.announce(self._notice)
                metrics.count_reaped(self._queue.reap())
            except QueueError as error:
                self._note(error)
        try:
            self._queue.retire(self._notice.name)
        except QueueError as error:
            self._note(error)

    def _take_on(self, claimed: Claimed) -> None:
        log.info("audit %s: attempt %d", claimed.id, claimed.attempt)
        begun = time.monotonic()
        with (
            Hold(
                self._queue,
                self._notice.name,
                claimed,
                leaving=self._leaving,
                beat_seconds=self._beat_seconds,
            ) as hold,
            metrics.AUDITS_ACTIVE.track_inprogress(),
        ):
            outcome = self._settle(claimed, hold)
        metrics.AUDITS_SETTLED.labels(outcome).inc()
        log.info("audit %s: %s after %.0f s", claimed.id, outcome, time.monotonic() - begun)

    def _settle(self, claimed: Claimed, hold: Hold) -> str:
        """Carry the audit out and end it, one way or another; how, in a word."""
        try:
            documents = self._persist(claimed, hold)
            return self._succeed(claimed, documents)
        except CancelledError:
            return self._end(
                Finish(id=claimed.id, attempt=claimed.attempt, state=State.CANCELLED), "cancelled"
            )
        except LeaseLostError:
            log.warning("audit %s: the lease was lost", claimed.id)
            return "lost"
        except LeavingError:
            self._queue.hand_back([(claimed.id, claimed.attempt)], HandBackMode.SILENT)
            return "handed_back"
        except (AuditError, InversionError, InvalidSpecError, InversionFailedError) as error:
            fault = _FAILED if isinstance(error, InversionFailedError) else _INVALID
            return self._fail(claimed, fault, str(error))
        except QueueError:
            raise
        except Exception:
            log.exception("audit %s: a bug", claimed.id)
            words = "The auditor failed on this audit; its log has the rest."
            self._queue.hand_back(
                [(claimed.id, claimed.attempt)],
                HandBackMode.FAIL,
                reason=_FAILED,
                error=status(_FAILED, words),
            )
            return "crashed"

    def _persist(self, claimed: Claimed, hold: Hold) -> Mapping[str, bytes]:
        """The documents. While the queue is away nothing is lost, only time."""
        work = _work(claimed)
        while True:
            try:
                return audit(self._tools, claimed, work, hold)
            except QueueError as error:
                self._note(error)
                hold.pause(_TROUBLE_SECONDS)

    def _succeed(self, claimed: Claimed, documents: Mapping[str, bytes]) -> str:
        for name, data in documents.items():
            self._queue.put_output(claimed.id, claimed.attempt, name, data)
        end = Finish(
            id=claimed.id,
            attempt=claimed.attempt,
            state=State.SUCCEEDED,
            result=work_pb2.WorkResult().SerializeToString(),
            keep=False,
            outputs=tuple(documents),
        )
        return self._end(end, "succeeded")

    def _fail(self, claimed: Claimed, reason: str, words: str) -> str:
        log.info("audit %s: %s: %s", claimed.id, reason, words)
        end = Finish(
            id=claimed.id,
            attempt=claimed.attempt,
            state=State.FAILED,
            error=status(reason, words),
            reason=reason,
        )
        return self._end(end, "failed")

    def _end(self, end: Finish, outcome: str) -> str:
        if self._queue.finish(end).verdict is FinishVerdict.STALE:
            metrics.STALE.inc()
            log.warning("audit %s: attempt %d was too late", end.id, end.attempt)
            return "lost"
        return outcome

    def _note(self, error: QueueError) -> None:
        metrics.QUEUE_ERRORS.labels(type(error).__name__).inc()
        log.warning("the queue does not answer: %s", error)


def _work(claimed: Claimed) -> work_pb2.AuditWork:
    """What was asked for.

    Raises:
        InvalidSpecError: it cannot be read.
    """
    try:
        item = work_pb2.WorkItem.FromString(claimed.spec)
    except DecodeError:
        item = work_pb2.WorkItem()
    if not item.HasField("audit"):
        raise InvalidSpecError("This job is no audit that this auditor can read.")
    return item.audit
