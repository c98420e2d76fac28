"""The hold on an audit: a thread that renews its lease and tells its watchers how far it is."""

import logging
import threading
import time
from types import TracebackType
from typing import Self, final

from preimage.v1 import audit_pb2, work_pb2
from preimage_logging import concerning
from preimage_queue import Beat, BeatVerdict, Claimed, Queue, QueueError
from preimage_worker import metrics
from preimage_worker.auditor.errors import CancelledError, LeaseLostError, LeavingError

log = logging.getLogger(__name__)


@final
class Hold:
    """Use it in a `with` statement, around all that is done for the audit."""

    def __init__(
        self,
        queue: Queue,
        name: str,
        claimed: Claimed,
        *,
        leaving: threading.Event,
        beat_seconds: float,
    ) -> None:
        """Beats as the auditor `name`, and gives the audit up once `leaving` is set."""
        self._queue = queue
        self._name = name
        self._claimed = claimed
        self._leaving = leaving
        self._beat_seconds = beat_seconds
        self._guard, self._beating = threading.Lock(), threading.Lock()
        self._told = b""
        self._progress = audit_pb2.AuditProgress()
        self._cancelled = self._lost = self._over = False
        self._news = threading.Event()
        self._begun = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="hold", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over = True
        self._news.set()
        self._thread.join()

    def check(self) -> None:
        """Whether to go on.

        Raises:
            CancelledError, LeaseLostError, LeavingError: no.
        """
        if self._lost:
            raise LeaseLostError
        if self._cancelled:
            raise CancelledError
        if self._leaving.is_set():
            raise LeavingError

    def confirm(self) -> None:
        """Whether to go on, as of now and not as of the last beat.

        Raises:
            CancelledError, LeaseLostError, LeavingError: no.
            QueueError: nobody can say.
        """
        with self._beating:
            self._told = self._beat(self._told)
        self.check()

    def pause(self, seconds: float) -> None:
        """Wait so long, or until there is something that `check` would tell; then tell it."""
        self.check()
        self._leaving.wait(seconds)
        self.check()

    def tell(
        self,
        *,
        doing: str | None = None,
        cells: int | None = None,
        cells_done: int | None = None,
        more_inversions: int = 0,
    ) -> None:
        """What watchers hear with the next beat."""
        with self._guard:
            progress = self._progress
            progress.doing = progress.doing if doing is None else doing
            progress.cells = progress.cells if cells is None else cells
            progress.cells_done = progress.cells_done if cells_done is None else cells_done
            progress.inversions_done += more_inversions

    def publish(self) -> None:
        """Let watchers hear now what they were told, if the queue can be reached."""
        try:
            with self._beating:
                self._told = self._beat(self._told)
        except QueueError as error:
            metrics.QUEUE_ERRORS.labels(type(error).__name__).inc()
            log.warning("the lease could not be renewed yet: %s", error)

    def _run(self) -> None:
        with concerning(self._claimed.id, self._claimed.trace, "audit"):
            while not (self._over or self._cancelled or self._lost):
                self.publish()
                self._news.wait(self._beat_seconds)

    def _step(self) -> int:
        """Milliseconds since the audit was accepted: the queue takes news of later steps only."""
        before = self._claimed.now_ms - self._claimed.created_ms
        return before + round(1000 * (time.monotonic() - self._begun))

    def _beat(self, told: bytes) -> bytes:
        with self._guard:
            event = work_pb2.WorkEvent(audit=self._progress).SerializeToString()
        news = event if event != told else b""
        line = Beat(self._claimed.id, self._claimed.attempt, self._step(), news)
        (reply,) = self._queue.beat(self._name, [line])
        self._cancelled = reply.verdict is BeatVerdict.CANCEL
        self._lost = reply.verdict is BeatVerdict.LOST
        return event
