"""Everything the frontend can answer but a result; each error knows its status and its details.

A message is for the caller: what was wrong, where, and what to do; never how the server is made.
`statuses` turns an error into what goes over the wire. Those that depend on who calls stand in
`denials`, those of audits in `audit_errors`. The tree::

    ServiceError
    ├── InvalidRequestError             INVALID_ARGUMENT     BadRequest
    │   └── RequestIdReusedError
    ├── MissingError                    NOT_FOUND
    │   ├── PreimageNotFoundError
    │   ├── AuditNotFoundError
    │   ├── ModelNotFoundError
    │   ├── ArtifactNotFoundError
    │   ├── TensorNotFoundError
    │   ├── InputsExpiredError
    │   ├── WorkerNotFoundError
    │   └── DeadLetterNotFoundError
    ├── UnmetError                      FAILED_PRECONDITION  PreconditionFailure
    │   ├── ResultNotReadyError
    │   ├── PreimageNotTerminalError
    │   ├── AuditNotTerminalError
    │   ├── AuditorNotRunningError
    │   └── ModelNotServedError
    ├── ExhaustedError                  RESOURCE_EXHAUSTED   QuotaFailure, RetryInfo, pushback
    │   ├── QueueFullError
    │   ├── TenantQueueFullError
    │   ├── QueueBytesFullError
    │   ├── TenantBytesFullError
    │   ├── SlotSecondsSpentError
    │   ├── DeadlineUnattainableError
    │   └── StorageFullError
    ├── RefusedForNowError              UNAVAILABLE          RetryInfo, pushback
    │   ├── QueueUnavailableError
    │   └── DrainingError
    ├── UnauthenticatedError            UNAUTHENTICATED
    ├── PermissionDeniedError           PERMISSION_DENIED
    ├── WaitTimeoutError                DEADLINE_EXCEEDED
    ├── JobFailedError                  the job's own status
    └── UnexpectedError                 INTERNAL
    StartError                          ends the process before it serves: one sentence, exit code 2
    └── SettingsError
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, final

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details
from google.rpc.status_pb2 import Status

from preimage.v1.preimage_service_pb2 import ErrorReason

DOMAIN = "preimage"
"""Whose reasons they are: `domain` of every ErrorInfo."""

_MOST_VIOLATIONS, _MOST_IN_MESSAGE = 16, 3
"""Details travel as trailers, of which a gRPC client takes 8 KiB in all."""

_NOTHING: Mapping[str, str] = MappingProxyType({})


@final
@dataclass(frozen=True, slots=True)
class Violation:
    """One field that does not hold what it must."""

    field: str
    """Its path in the request, such as `spec.target.features.shape`."""

    description: str
    """What is wrong with it and what would be right, in one sentence."""


class ServiceError(Exception):
    """An answer other than a result."""

    code: ClassVar[grpc.StatusCode]
    reason: ClassVar[ErrorReason.ValueType]

    def __init__(self, message: str, metadata: Mapping[str, str] = _NOTHING) -> None:
        super().__init__(message)
        self.message = message
        self.metadata = metadata

    @property
    def retry_after_seconds(self) -> float | None:
        """When it is worth asking again; None: not with this request."""
        return None

    def details(self) -> Sequence[Message]:
        """The google.rpc details, ErrorInfo first."""
        name = ErrorReason.Name(self.reason).removeprefix("ERROR_REASON_")
        info = details.ErrorInfo(reason=name, domain=DOMAIN, metadata=self.metadata)
        return [info, *self._more_details()]

    def _more_details(self) -> Sequence[Message]:
        return []


class InvalidRequestError(ServiceError):
    """Fields of the request do not hold what they must."""

    code = grpc.StatusCode.INVALID_ARGUMENT
    reason = ErrorReason.ERROR_REASON_INVALID_FIELD

    def __init__(self, violations: Sequence[Violation]) -> None:
        lines = [f"{v.field}: {v.description}" for v in violations[:_MOST_IN_MESSAGE]]
        more = len(violations) - len(lines)
        super().__init__("; ".join(lines) + (f"; and {more} more" if more else ""))
        self.violations = tuple(violations[:_MOST_VIOLATIONS])

    def _more_details(self) -> Sequence[Message]:
        fields = [
            details.BadRequest.FieldViolation(field=v.field, description=v.description)
            for v in self.violations
        ]
        return [details.BadRequest(field_violations=fields)]


@final
class RequestIdReusedError(InvalidRequestError):
    """The request_id was used before for other content."""

    reason = ErrorReason.ERROR_REASON_REQUEST_ID_REUSED

    def __init__(self) -> None:
        sentence = "was used before for other content: use a new one, or send the same content"
        super().__init__([Violation("request_id", sentence)])


class MissingError(ServiceError):
    """What the request names is not there."""

    code = grpc.StatusCode.NOT_FOUND


@final
class PreimageNotFoundError(MissingError):
    """No such job, or it has expired, or it is another tenant's."""

    reason = ErrorReason.ERROR_REASON_PREIMAGE_NOT_FOUND

    def __init__(self, preimage_id: str) -> None:
        super().__init__(
            f"There is no pre-image {preimage_id[:64]!r}; results are forgotten after a while.",
            {"id": preimage_id[:64]},
        )


@final
class ModelNotFoundError(MissingError):
    """No worker has announced a model of this name."""

    reason = ErrorReason.ERROR_REASON_MODEL_NOT_FOUND


@final
class ArtifactNotFoundError(MissingError):
    """The result has no such file."""

    reason = ErrorReason.ERROR_REASON_ARTIFACT_NOT_FOUND


@final
class TensorNotFoundError(MissingError):
    """The uploaded tensor is not there, or not any more."""

    reason = ErrorReason.ERROR_REASON_TENSOR_NOT_FOUND

    def __init__(self, field: str, digest: str) -> None:
        super().__init__(
            f"{field}: there is no uploaded tensor {digest}; upload it (again) with UploadTensor.",
            {"field": field, "digest": digest},
        )


@final
class InputsExpiredError(MissingError):
    """What a dead letter would need is not kept any more."""

    reason = ErrorReason.ERROR_REASON_TENSOR_NOT_FOUND

    def __init__(self, preimage_id: str) -> None:
        super().__init__(
            f"The picture or code of {preimage_id} has expired: create the job anew.",
            {"id": preimage_id},
        )


@final
class WorkerNotFoundError(MissingError):
    """No live worker of this name."""

    reason = ErrorReason.ERROR_REASON_WORKER_NOT_FOUND

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no live worker {name[:128]!r}; ListWorkers names them.")


@final
class DeadLetterNotFoundError(MissingError):
    """The job is not in the dead letters."""

    reason = ErrorReason.ERROR_REASON_DEAD_LETTER_NOT_FOUND

    def __init__(self, preimage_id: str) -> None:
        super().__init__(
            f"{preimage_id[:64]!r} is not in the dead letters; ListDeadLetters names them.",
            {"id": preimage_id[:64]},
        )


class UnmetError(ServiceError):
    """The request is fine, but not in the state that things are in."""

    code = grpc.StatusCode.FAILED_PRECONDITION

    def __init__(self, message: str, subject: str) -> None:
        super().__init__(message, {"subject": subject})
        self.subject = subject

    def _more_details(self) -> Sequence[Message]:
        violation = details.PreconditionFailure.Violation(
            type=ErrorReason.Name(self.reason).removeprefix("ERROR_REASON_"),
            subject=self.subject,
            description=self.message,
        )
        return [details.PreconditionFailure(violations=[violation])]


@final
class ResultNotReadyError(UnmetError):
    """The job has no result yet, or ended without one."""

    reason = ErrorReason.ERROR_REASON_RESULT_NOT_READY


@final
class PreimageNotTerminalError(UnmetError):
    """The job has not ended."""

    reason = ErrorReason.ERROR_REASON_PREIMAGE_NOT_TERMINAL


@final
class ModelNotServedError(UnmetError):
    """No live worker serves the model, or its weights cannot be had."""

    reason = ErrorReason.ERROR_REASON_MODEL_NOT_SERVED


class ExhaustedError(ServiceError):
    """A limit is reached; later it may not be."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED

    def __init__(self, message: str, subject: str, retry_after_seconds: float) -> None:
        super().__init__(message, {"subject": subject})
        self.subject = subject
        self._retry_after_seconds = retry_after_seconds

    @property
    def retry_after_seconds(self) -> float:
        """When there may be room again."""
        return self._retry_after_seconds

    def _more_details(self) -> Sequence[Message]:
        violation = details.QuotaFailure.Violation(subject=self.subject, description=self.message)
        return [
            retry_info(self._retry_after_seconds),
            details.QuotaFailure(violations=[violation]),
        ]


@final
class QueueFullError(ExhaustedError):
    """Too many jobs wait."""

    reason = ErrorReason.ERROR_REASON_QUEUE_FULL


@final
class TenantQueueFullError(ExhaustedError):
    """The tenant has too many jobs waiting."""

    reason = ErrorReason.ERROR_REASON_TENANT_QUEUE_FULL


@final
class QueueBytesFullError(ExhaustedError):
    """The waiting jobs, or the tensors on their way, hold too many bytes."""

    reason = ErrorReason.ERROR_REASON_QUEUE_BYTES_FULL


@final
class DeadlineUnattainableError(ExhaustedError):
    """The job could not end before its deadline."""

    reason = ErrorReason.ERROR_REASON_DEADLINE_UNATTAINABLE


@final
class StorageFullError(ExhaustedError):
    """Redis has no memory left."""

    reason = ErrorReason.ERROR_REASON_STORAGE_FULL


class RefusedForNowError(ServiceError):
    """Nothing is wrong with the request; another moment or another server will do."""

    code = grpc.StatusCode.UNAVAILABLE

    def __init__(self, message: str, retry_after_seconds: float) -> None:
        super().__init__(message)
        self._retry_after_seconds = retry_after_seconds

    @property
    def retry_after_seconds(self) -> float:
        """When to ask again."""
        return self._retry_after_seconds

    def _more_details(self) -> Sequence[Message]:
        return [retry_info(self._retry_after_seconds)]


@final
class QueueUnavailableError(RefusedForNowError):
    """The queue cannot be reached."""

    reason = ErrorReason.ERROR_REASON_QUEUE_UNAVAILABLE


@final
class DrainingError(RefusedForNowError):
    """The server is shutting down."""

    reason = ErrorReason.ERROR_REASON_DRAINING

    def __init__(self) -> None:
        super().__init__("This server is shutting down; ask again, another one may answer.", 1.0)


@final
class WaitTimeoutError(ServiceError):
    """The job did not end within the time of the call."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED
    reason = ErrorReason.ERROR_REASON_DEADLINE_EXCEEDED


@final
class JobFailedError(ServiceError):
    """A job that the call waited for failed: its own status is the answer."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.message)
        self.status = status


@final
class UnexpectedError(ServiceError):
    """A bug. The caller gets an id; the log has the rest under the same id."""

    code = grpc.StatusCode.INTERNAL
    reason = ErrorReason.ERROR_REASON_INTERNAL

    def __init__(self, error_id: str) -> None:
        super().__init__(
            f"The server failed on this call; its log has the details under error id {error_id}.",
            {"error_id": error_id},
        )


class StartError(Exception):
    """The process cannot start; the message says why and what to do, in one sentence."""


@final
class SettingsError(StartError):
    """A `PREIMAGE_*` variable cannot be read."""


def retry_info(seconds: float) -> Message:
    """The detail that says when to ask again."""
    delay = Duration()
    delay.FromMilliseconds(round(seconds * 1000))
    info: Message = details.RetryInfo(retry_delay=delay)
    return info
