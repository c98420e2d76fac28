"""Overdue jobs go back to the queue: any process may look for them, and tells which it found."""

import logging
from dataclasses import fields

from preimage_logging import concerning
from preimage_queue import Queue
from preimage_worker.metrics import REAPED

log = logging.getLogger(__name__)


def reap(queue: Queue) -> None:
    """Looks for expired leases and deadlines once.

    Raises:
        QueueError: the queue does not answer.
    """
    reaped = queue.reap()
    for fate in (each.name for each in fields(reaped)):
        ids = getattr(reaped, fate)
        REAPED.labels(fate).inc(len(ids))
        for job_id in ids:
            with concerning(job_id):
                log.info("reaped, %s", fate)
