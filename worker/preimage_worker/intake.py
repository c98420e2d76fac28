"""From a claimed job to a delivery: fetches what the job refers to."""

import time

from google.protobuf.message import DecodeError

from preimage.v1 import work_pb2
from preimage_queue import Claimed, Queue
from preimage_worker.errors import InvalidSpecError
from preimage_worker.jobs import Delivery, Ticket
from preimage_worker.spec import missing_input


def ticket_for(claimed: Claimed) -> Ticket:
    """The right to work on a claimed job."""
    return Ticket(claimed.id, claimed.attempt, claimed.tenant)


def delivery_of(queue: Queue, claimed: Claimed) -> Delivery:
    """The job with its blobs and its newest checkpoint.

    Raises:
        InvalidSpecError: the job is unreadable or an input is gone.
        QueueError: the queue cannot be reached.
    """
    now = time.monotonic()
    return Delivery(
        ticket=ticket_for(claimed),
        item=_item(claimed),
        blobs={digest: _blob(queue, claimed, digest) for digest in claimed.blobs},
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
