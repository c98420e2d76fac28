"""From a claimed job to a delivery: fetches what the job refers to, and decodes its picture.

In a thread of its own. A picture from a stranger may take seconds to decode, and a code megabytes
to fetch: neither the batch nor the beats of other jobs wait for that.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import final

from google.protobuf.message import DecodeError

from preimage.v1 import work_pb2
from preimage_logging import concerning
from preimage_queue import Claimed, Queue, QueueError
from preimage_worker import metrics
from preimage_worker.errors import InvalidSpecError
from preimage_worker.jobs import Crashed, Delivery, Failed, Ticket
from preimage_worker.mailbox import Mailbox
from preimage_worker.pictures import Limits
from preimage_worker.spec import missing_input, sent_picture

log = logging.getLogger(__name__)

_TROUBLE_SECONDS = 0.5
"""Pause after the queue could not be reached."""


@final
class Intake:
    """Turns claimed jobs into deliveries, in the order in which they were claimed."""

    def __init__(
        self, queue: Queue, mailbox: Mailbox, limits: Limits, holds: Callable[[Ticket], bool]
    ) -> None:
        """Delivers to the mailbox what `holds` says is still this worker's."""
        self._queue = queue
        self._mailbox = mailbox
        self._limits = limits
        self._holds = holds
        self._news = threading.Condition()
        self._claimed: deque[Claimed] = deque()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def take(self, claimed: Claimed) -> None:
        """A job that is to be fetched."""
        with self._news:
            self._claimed.append(claimed)
            self._news.notify()

    @property
    def busy(self) -> bool:
        """Whether a job has not been delivered yet."""
        with self._news:
            return bool(self._claimed)

    def close(self) -> None:
        """End, with what is being fetched but no more. What is left stays with the leases."""
        with self._news:
            self._closing = True
            self._news.notify()

    def _run(self) -> None:
        while (claimed := self._next()) is not None:
            with concerning(claimed.id, claimed.trace):
                is_done = self._handle(claimed)
            if is_done:
                with self._news:
                    self._claimed.popleft()
                self._mailbox.wake()

    def _next(self) -> Claimed | None:
        """The oldest job, which stays in the row until it is done; None at the end."""
        with self._news:
            self._news.wait_for(lambda: self._closing or self._claimed)
            return None if self._closing else self._claimed[0]

    def _handle(self, claimed: Claimed) -> bool:
        """Deliver a job, or settle it; False if it has to be tried again."""
        ticket = ticket_for(claimed)
        try:
            delivery = delivery_of(self._queue, claimed, self._limits)
        except QueueError as error:
            metrics.QUEUE_ERRORS.labels(type(error).__name__).inc()
            log.warning("its input could not be fetched yet: %s", error)
            time.sleep(_TROUBLE_SECONDS)
            return False
        except InvalidSpecError as error:
            self._mailbox.report([], [Failed(ticket, error)])
        except Exception:
            log.exception("its input could not be read")
            words = "The worker could not read the input of this job."
            self._mailbox.report([], [Crashed(ticket, words)])
        else:
            metrics.QUEUE_SECONDS.observe(delivery.queued_seconds)
            if self._holds(ticket):
                self._mailbox.deliver([delivery])
        return True


def ticket_for(claimed: Claimed) -> Ticket:
    """The right to work on a claimed job."""
    return Ticket(claimed.id, claimed.attempt, claimed.tenant, claimed.trace)


def delivery_of(queue: Queue, claimed: Claimed, limits: Limits) -> Delivery:
    """The job with its blobs, its picture and its newest checkpoint.

    Raises:
        InvalidSpecError: the job or its picture is unreadable, or an input is gone.
        QueueError: the queue cannot be reached.
    """
    now = time.monotonic()
    item = _item(claimed)
    blobs = {digest: _blob(queue, claimed, digest) for digest in claimed.blobs}
    return Delivery(
        ticket=ticket_for(claimed),
        item=item,
        blobs=blobs,
        sent=sent_picture(item, blobs, limits),
        checkpoint=_checkpoint(queue, claimed),
        queued_seconds=max(claimed.now_ms - claimed.created_ms, 0) / 1000,
        claimed_at=now,
        deadline_at=_deadline(claimed, now),
    )


def _item(claimed: Claimed) -> work_pb2.WorkItem:
    try:
        return work_pb2.WorkItem.FromString(claimed.spec)
    except DecodeError:
        raise InvalidSpecError("The job's specification cannot be read by this worker.") from None


def _blob(queue: Queue, claimed: Claimed, digest: str) -> bytes:
    data = queue.read_blob(claimed.tenant, digest)
    if data is None:
        raise missing_input(digest)
    return data


def _checkpoint(queue: Queue, claimed: Claimed) -> bytes | None:
    if claimed.checkpoint_step is None:
        return None
    found = queue.read_checkpoint(claimed.id, claimed.attempt)
    return found[1] if found else None


def _deadline(claimed: Claimed, now: float) -> float | None:
    if claimed.deadline_ms is None:
        return None
    return now + (claimed.deadline_ms - claimed.now_ms) / 1000
