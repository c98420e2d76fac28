"""From whatever ended a call to the error that its caller may see.

Errors of the queue become sentences without its internals; anything unforeseen becomes an
`UnexpectedError` with an id, and goes to the log with its traceback under the same id.
"""

import logging
import uuid

from preimage_queue import (
    QueueError,
    QueueFullError,
    QueueRefusedError,
    QueueUnavailableError,
)
from preimage_service import errors
from preimage_service.metrics import Meters

_RETRY_SECONDS = 1.0
_FULL_RETRY_SECONDS = 10.0
_REFUSED_RETRY_SECONDS = 30.0
_log = logging.getLogger(__name__)


def explain(failure: Exception, method: str, meters: Meters) -> errors.ServiceError:
    """The error that the caller of `method` gets, after what has to be logged was logged."""
    if isinstance(failure, errors.ServiceError):
        return failure
    if isinstance(failure, QueueError):
        known = _explain_queue(failure, meters)
        if known is not None:
            _log.warning("%s: %s", method, failure)
            return known
    error_id = uuid.uuid4().hex[:12]
    _log.error("error id %s: %s failed", error_id, method, exc_info=failure)
    return errors.UnexpectedError(error_id)


def _explain_queue(failure: QueueError, meters: Meters) -> errors.ServiceError | None:
    """An error of the queue that is nobody's bug."""
    match failure:
        case QueueUnavailableError():
            sentence = "The queue cannot be reached now: ask again in a moment."
            return errors.QueueUnavailableError(sentence, _RETRY_SECONDS)
        case QueueRefusedError():
            sentence = "The queue refuses this server's credentials: its operator must see to it."
            return errors.QueueUnavailableError(sentence, _REFUSED_RETRY_SECONDS)
        case QueueFullError():
            meters.rejections.labels("STORAGE").inc()
            sentence = "The queue's storage is full: try again when jobs have ended or expired."
            return errors.StorageFullError(sentence, "storage", _FULL_RETRY_SECONDS)
        case _:
            return None
