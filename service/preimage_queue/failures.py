"""From errors of the client library to errors of this package, and what is worth repeating."""

import random
import time
from collections.abc import Iterator
from typing import Final, final

from redis.exceptions import (
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    AuthorizationError,
    BusyLoadingError,
    ClusterDownError,
    MaxConnectionsError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)

from preimage_queue.errors import (
    QueueBrokenError,
    QueueError,
    QueueFullError,
    QueueRefusedError,
    QueueUnavailableError,
)
from preimage_queue.settings import QueueSettings

__all__ = ["FLUSHING_PAUSE_SECONDS", "Patience", "is_flushing", "translated", "worth_repeating"]

FLUSHING_PAUSE_SECONDS: Final = 0.002
"""An fsync of a second's writes takes milliseconds on most disks."""

_TABLE: Final[tuple[tuple[tuple[type[RedisError], ...], type[QueueError], str], ...]] = (
    (
        (
            AuthenticationError,
            AuthenticationWrongNumberOfArgsError,
            AuthorizationError,
            NoPermissionError,
        ),
        QueueRefusedError,
        "Redis refuses these credentials or lacks a permission",
    ),
    ((OutOfMemoryError,), QueueFullError, "Redis is at its memory limit"),
    ((BusyLoadingError,), QueueUnavailableError, "Redis is loading its data"),
    ((ReadOnlyError,), QueueUnavailableError, "This Redis is a replica and takes no writes"),
    ((ClusterDownError, TryAgainError), QueueUnavailableError, "The Redis cluster is not ready"),
    ((RedisTimeoutError,), QueueUnavailableError, "Redis did not answer in time"),
    ((RedisConnectionError,), QueueUnavailableError, "Redis cannot be reached"),
)

_MARKS: Final[tuple[tuple[str, type[QueueError], str], ...]] = (
    ("OOM ", QueueFullError, "Redis is at its memory limit"),
    ("NOPERM", QueueRefusedError, "Redis refuses these credentials or lacks a permission"),
    ("READONLY", QueueUnavailableError, "This Redis is a replica and takes no writes"),
    ("MISCONF", QueueUnavailableError, "Redis cannot write to its disk and takes no writes"),
    ("MASTERDOWN", QueueUnavailableError, "Redis lost its primary"),
    ("BUSY ", QueueUnavailableError, "Redis is busy with a script"),
    ("FLUSHING", QueueUnavailableError, "Redis takes too long to write to its disk"),
    ("UNSTAGED", QueueUnavailableError, "Redis restarted in the middle of a call"),
)
"""Inside a script an error keeps its code only as a part of the text, and where differs by version:
`-OOM ...` in some, `ERR Error running script ...: -OOM ...` in others."""

_UNKNOWN: Final = ("HELLO must be called", "Authentication required")
"""What Redis tells a connection that named no password where it wants one."""
_WANTS_ONE: Final = (
    "Redis wants a password: write redis://USER:PASSWORD@HOST:PORT/0, or name its file in "
    "PREIMAGE_QUEUE_PASSWORD_FILE."
)


def translated(error: RedisError) -> QueueError:
    """The same failure as an error of this package, with a sentence."""
    error = _origin(error)
    said = str(error).rstrip(".")
    if isinstance(error, AuthenticationError) and any(mark in said for mark in _UNKNOWN):
        return QueueRefusedError(_WANTS_ONE)
    if isinstance(error, ResponseError):
        for mark, kind, sentence in _MARKS:
            if mark in said:
                return kind(f"{sentence} ({said}).")
    for kinds, kind, sentence in _TABLE:
        if isinstance(error, kinds):
            return kind(f"{sentence} ({said}).")
    return QueueBrokenError(f"Redis refused a script ({said}).")


def worth_repeating(error: RedisError) -> bool:
    """Whether the same call may succeed in a moment: Redis was away, or is just coming back."""
    error = _origin(error)
    if isinstance(error, AuthenticationError | AuthorizationError | MaxConnectionsError):
        return False
    if isinstance(error, ResponseError) and "UNSTAGED" in str(error):
        return True
    return isinstance(
        error,
        RedisConnectionError | RedisTimeoutError | ClusterDownError | TryAgainError,
    )


def _origin(error: RedisError) -> RedisError:
    """The refusal behind it: over unix sockets the client wraps what a new connection was told."""
    cause = error.__cause__
    return (
        cause
        if isinstance(error, RedisConnectionError) and isinstance(cause, RedisError)
        else error
    )


def is_flushing(error: RedisError) -> bool:
    """Whether Redis is busy with its disk, and nothing else is wrong."""
    return "FLUSHING" in str(error)


@final
class Patience:
    """How long one operation goes on: the pauses between its tries, until there is no point."""

    def __init__(self, settings: QueueSettings) -> None:
        self._pauses = pauses_seconds(settings)
        self._flushing_seconds = settings.socket_timeout_seconds
        self._flushing_until: float | None = None

    def pause_seconds(self, error: RedisError) -> float | None:
        """How long to wait before the next try, or None if this error ends the operation."""
        if is_flushing(error):
            return self._until_flushed()
        return next(self._pauses, None) if worth_repeating(error) else None

    def _until_flushed(self) -> float | None:
        """Redis answered, and its disk needs a moment: as patient as with Redis itself."""
        now = time.monotonic()
        if self._flushing_until is None:
            self._flushing_until = now + self._flushing_seconds
        return FLUSHING_PAUSE_SECONDS if now < self._flushing_until else None


def pauses_seconds(settings: QueueSettings) -> Iterator[float]:
    """Pauses before the second try and later ones: doubling, each times 0.5 to 1.5."""
    for exponent in range(settings.tries - 1):
        jitter = 0.5 + random.random()  # noqa: S311  # spreads callers; nothing secret about it
        yield settings.backoff_seconds * 2**exponent * jitter
