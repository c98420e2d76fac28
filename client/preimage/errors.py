"""The exceptions of the SDK: one tree, catchable at every height.

    PreimageError
    ├── BadInput               a mistake on this side: unreadable file, wrong dtype, bad setting
    ├── ServiceError           the service, or the way to it, refused the call
    │   ├── InvalidRequest     the request can never succeed as it is; `violations` say where
    │   ├── NotFound           no such job, model or file (any more)
    │   ├── NotReady           not in this state: unfinished job, model that nobody serves
    │   ├── NotAllowed         no token, a wrong one, or one without the scope
    │   ├── Overloaded         full at the moment; `retry_after_seconds` says when to come back
    │   ├── Unavailable        nobody answers, or the server is shutting down
    │   │   └── HandshakeFailed    somebody does, but TLS does not come about
    │   └── InternalError      a bug on the server, or a server that does not know the call
    ├── DeadlineExceeded       the time that the caller allowed is over; the job goes on
    ├── JobFailed              the job ended FAILED; `reason` says why, `job_id` which one
    └── JobCancelled           the job ended CANCELLED

The message of each is a sentence: what was wrong, where, and what to do about it. How a gRPC status
becomes one of these is a table in `preimage.status`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from google.protobuf.message import Message


class PreimageError(Exception):
    """What every exception of the SDK is."""


@final
class BadInput(PreimageError):
    """A mistake that needed no server to be seen."""


@final
@dataclass(frozen=True)
class Violation:
    """A field of a request that does not hold what it must."""

    field: str
    """Path of the field in the request: "spec.optimiser.steps"."""
    description: str
    """What is wrong with it."""


class ServiceError(PreimageError):
    """The service refused a call.

    Attributes:
        code: name of the gRPC status code: "INVALID_ARGUMENT".
        reason: `ErrorReason` without its prefix: "QUEUE_FULL"; empty when the server gave none.
        violations: the fields that were wrong.
        details: the `google.rpc` messages of the status, decoded.
        retry_after_seconds: when the server wants to be asked again; None: it did not say.
        repeatable: whether the same call may succeed later.
        advice: how the job that was waited for can be taken up again, which the message says too;
            empty where there is none.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "UNKNOWN",
        reason: str = "",
        violations: tuple[Violation, ...] = (),
        details: tuple[Message, ...] = (),
        retry_after_seconds: float | None = None,
        repeatable: bool = False,
        advice: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.violations = violations
        self.details = details
        self.retry_after_seconds = retry_after_seconds
        self.repeatable = repeatable
        self.advice = advice


@final
class InvalidRequest(ServiceError):
    """The request can never succeed as it is."""


@final
class NotFound(ServiceError):
    """No such job, model, file or uploaded tensor, or it has expired."""


@final
class NotReady(ServiceError):
    """The call does not fit the state: unfinished job, model that nobody serves."""


@final
class NotAllowed(ServiceError):
    """The token is missing, wrong, or lacks the scope."""


@final
class Overloaded(ServiceError):
    """The service is full at the moment, or could not meet the deadline."""


class Unavailable(ServiceError):
    """Nobody answers at the target, or the server is shutting down."""


@final
class HandshakeFailed(Unavailable):
    """The target was reached, but no connection came about: the two sides disagree on TLS."""


@final
class InternalError(ServiceError):
    """A bug on the server; the message holds an error id for its operator."""


@final
class DeadlineExceeded(PreimageError):
    """The time that the caller allowed for a call or for waiting is over."""


@final
class JobFailed(PreimageError):
    """A job ended FAILED.

    Attributes:
        job_id: which job.
        reason: DIVERGED, OUT_OF_MEMORY, MAX_DELIVERIES, DEADLINE_EXCEEDED, WORKER_ERROR or
            INVALID_SPEC.
    """

    def __init__(self, message: str, *, job_id: str, reason: str) -> None:
        super().__init__(message)
        self.job_id = job_id
        self.reason = reason


@final
class JobCancelled(PreimageError):
    """A job ended CANCELLED.

    Attributes:
        job_id: which job.
        cancel_reason: why, in the words of whoever cancelled it.
    """

    def __init__(self, message: str, *, job_id: str, cancel_reason: str) -> None:
        super().__init__(message)
        self.job_id = job_id
        self.cancel_reason = cancel_reason
