"""The loop of an auditor: one audit after the other."""

import gc
import logging
import secrets
import threading
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
)
from preimage_worker import metrics
from preimage_worker.announcing import Profile
from preimage_worker.attempts import LOST, Attempt, Ending
from preimage_worker.audit.errors import AuditError
from preimage_worker.auditor.announcing import notice
from preimage_worker.auditor.auditing import Tools, audit
from preimage_worker.auditor.errors import (
    CancelledError,
    InversionFailedError,
    LeaseLostError,
    LeavingError,
)
from preimage_worker.auditor.hold import Hold
from preimage_worker.batching import DeviceLostError, is_out_of_memory, raise_if_device_lost
from preimage_worker.errors import InvalidSpecError, OutOfMemoryError
from preimage_worker.inversion.errors import InversionError
from preimage_worker.reaping import reap
from preimage_worker.results.status import status

log = logging.getLogger(__name__)

_IDLE_SECONDS = 0.5
_HOUSEKEEPING_SECONDS = 4.0
_TROUBLE_SECONDS = 2.0
_INVALID, _FAILED = "INVALID_SPEC", "WORKER_ERROR"
_NO_MEMORY = (
    "The auditor's device has not enough memory for this audit: send fewer pictures, or audit "
    "layers with smaller codes."
)


@final
class Auditor:
    """Claims audits until it is told to leave, or to drain."""

    def __init__(
        self, tools: Tools, profile: Profile, leaving: threading.Event, beat_seconds: float
    ) -> None:
        """Who it is, and what ends it.

        Args:
            tools: what audits are done with.
            profile: what it says of itself, again and again.
            leaving: set when it shall end; the audit at hand goes back to the queue. An operator
                who drains it lets it finish that audit first.
            beat_seconds: between two renewals of a lease.
        """
        self._tools = tools
        self._profile = profile
        self._leaving, self._draining = leaving, threading.Event()
        self._active = 0
        self._token = secrets.token_hex(8)
        self._lost_device: DeviceLostError | None = None
        self._beat_seconds = beat_seconds
        self._housekeeper = threading.Thread(target=self._keep_house, daemon=True)

    @property
    def _queue(self) -> Queue:
        return self._tools.queue

    def run(self) -> None:
        """Returns once `leaving` is set, or once drained. To be announced before.

        Raises:
            DeviceLostError: the device needs a new process. The audit at hand went back, counted.
        """
        self._housekeeper.start()
        while not (self._leaving.is_set() or self._draining.is_set() or self._lost_device):
            try:
                claimed = self._claim()
                if claimed is None:
                    self._leaving.wait(_IDLE_SECONDS)
                else:
                    self._take_on(claimed)
            except QueueError as error:
                self._note(error)
                self._leaving.wait(_TROUBLE_SECONDS)
        self._leaving.set()  # the housekeeper, too
        self._housekeeper.join()
        if self._lost_device:
            raise self._lost_device

    def announce(self) -> None:
        """Be known as alive, and hear whether to drain.

        Raises:
            QueueError: the queue does not answer.
        """
        answer = self._queue.announce(notice(self._profile, active=self._active))
        if answer.drain and not self._draining.is_set():
            log.info("asked to drain: no more audits are taken")
            self._draining.set()

    def _claim(self) -> Claimed | None:
        claimed = self._queue.claim(
            self._profile.name,
            self._token,
            pools=(AUDIT_POOL,),
            free_slots=1,
            capacity_slots=1,
        )
        # Only now: a claim whose answer was lost is repeated with its token, and finds its audit.
        self._token = secrets.token_hex(8)
        return claimed[0] if claimed else None

    def _keep_house(self) -> None:
        """Be known as alive, and return to the queue what dead ones held."""
        while not self._leaving.wait(_HOUSEKEEPING_SECONDS):
            try:
                self.announce()
                reap(self._queue)
            except QueueError as error:
                self._note(error)
        try:
            self._queue.retire(self._profile.name)
        except QueueError as error:
            self._note(error)

    def _take_on(self, claimed: Claimed) -> None:
        attempt = Attempt(claimed, self._profile.name, "audit")
        ending = LOST  # unless there is more to tell of it
        self._active = 1
        try:
            with (
                attempt.concerning(),
                Hold(
                    self._queue,
                    self._profile.name,
                    claimed,
                    leaving=self._leaving,
                    beat_seconds=self._beat_seconds,
                ) as hold,
                metrics.AUDITS_ACTIVE.track_inprogress(),
            ):
                ending = self._carry_out(attempt, claimed, hold)
        finally:
            self._active = 0
            attempt.end(ending)
            gc.collect()  # an audit leaves cycles, and its pictures hang on them
        metrics.AUDITS_SETTLED.labels(ending.outcome).inc()

    def _carry_out(self, attempt: Attempt, claimed: Claimed, hold: Hold) -> Ending:
        """Carry the audit out and settle it, one way or another; how."""
        try:
            documents = self._persist(claimed, hold)
            with attempt.settling():
                return self._succeed(claimed, documents)
        except LeaseLostError:
            log.warning("the lease was lost")
            return LOST
        except QueueError:
            raise
        except Exception as error:  # noqa: BLE001 - each has its end
            with attempt.settling():
                return self._give_up(claimed, error)

    def _give_up(self, claimed: Claimed, why: Exception) -> Ending:
        """End the audit without a report, or give it back."""
        match why:
            case CancelledError():
                end = Finish(id=claimed.id, attempt=claimed.attempt, state=State.CANCELLED)
                return self._end(end, Ending("cancelled"))
            case LeavingError():
                self._queue.hand_back([(claimed.id, claimed.attempt)], HandBackMode.SILENT)
                return Ending("handed_back")
            case InversionFailedError():
                return self._fail(claimed, _FAILED, str(why))
            case AuditError() | InversionError() | InvalidSpecError():
                return self._fail(claimed, _INVALID, str(why))
            case _:
                return self._give_up_unplanned(claimed, why)

    def _give_up_unplanned(self, claimed: Claimed, why: Exception) -> Ending:
        """The end of an audit that raised what none should."""
        try:
            raise_if_device_lost(why)
        except DeviceLostError as lost:
            self._lost_device = lost  # even if the queue does not hear of it: nothing runs here
            return self._crash(claimed, f"The device failed while this audit ran: {lost}")
        if is_out_of_memory(why):
            return self._fail(claimed, OutOfMemoryError.reason, _NO_MEMORY)
        log.error("a bug", exc_info=why)
        return self._crash(claimed, "The auditor failed on this audit; its log has the rest.")

    def _persist(self, claimed: Claimed, hold: Hold) -> Mapping[str, bytes]:
        """The documents. While the queue is away nothing is lost, only time."""
        work = _work(claimed)
        while True:
            try:
                return audit(self._tools, claimed, work, hold)
            except QueueError as error:
                self._note(error)
                hold.pause(_TROUBLE_SECONDS)

    def _succeed(self, claimed: Claimed, documents: Mapping[str, bytes]) -> Ending:
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
        return self._end(end, Ending("succeeded"))

    def _fail(self, claimed: Claimed, reason: str, words: str) -> Ending:
        end = Finish(
            id=claimed.id,
            attempt=claimed.attempt,
            state=State.FAILED,
            error=status(reason, words),
            reason=reason,
        )
        return self._end(end, Ending("failed", reason, words))

    def _crash(self, claimed: Claimed, words: str) -> Ending:
        self._queue.hand_back(
            [(claimed.id, claimed.attempt)],
            HandBackMode.FAIL,
            reason=_FAILED,
            error=status(_FAILED, words),
        )
        return Ending("crashed", _FAILED, words)

    def _end(self, end: Finish, ending: Ending) -> Ending:
        if self._queue.finish(end).verdict is FinishVerdict.STALE:
            metrics.STALE.inc()
            log.warning("attempt %d was too late", end.attempt)
            return LOST
        return ending

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
