"""What can go wrong between this package and Redis.

Outcomes that a caller can cause or expect (a full queue, a conflict, a stale attempt) are values,
see `replies`. Exceptions are for broken infrastructure and for mistakes of the code that calls::

    QueueError
    ├── QueueUnavailableError   Redis cannot be reached, is loading, or answers as a replica
    ├── QueueFullError          Redis is at its memory limit and refuses writes
    ├── QueueRefusedError       credentials or permissions are wrong
    └── QueueBrokenError        Redis refused a script of ours: a bug, or a server too old

Arguments that break a rule of a record raise `ValueError` before anything is sent.
"""

from typing import ClassVar

__all__ = [
    "QueueBrokenError",
    "QueueError",
    "QueueFullError",
    "QueueRefusedError",
    "QueueUnavailableError",
]


class QueueError(Exception):
    """Anything that kept an operation from getting its answer."""

    status: ClassVar[str] = "INTERNAL"
    """Name of the gRPC status code that tells a client the same thing."""

    retry_after_seconds: ClassVar[float | None] = None
    """When it is worth asking again, or None if it is not."""


class QueueUnavailableError(QueueError):
    """Redis cannot be reached, is loading its data, or does not accept writes.

    The operation may or may not have happened. Every operation may be repeated with the same
    arguments, so the way out is to ask again.
    """

    status = "UNAVAILABLE"
    retry_after_seconds = 1.0


class QueueFullError(QueueError):
    """Redis reached `maxmemory` and refuses new data. Nothing was written."""

    status = "RESOURCE_EXHAUSTED"
    retry_after_seconds = 10.0


class QueueRefusedError(QueueError):
    """Redis does not accept the user, the password, or a command of this user."""

    status = "UNAVAILABLE"


class QueueBrokenError(QueueError):
    """Redis answered something that no version of these scripts can mean."""
