"""From an error to what goes over the wire: status code, message, details, trailers.

The only module that knows how rich errors travel: a serialized google.rpc.Status in the trailer
`grpc-status-details-bin`, and gRPC's own `grpc-retry-pushback-ms`, which client-side retry policies
of gRPC obey without knowing anything about google.rpc.
"""

from typing import Any

import grpc
from google.rpc.status_pb2 import Status

from preimage_service.errors import JobFailedError, ServiceError

_DETAILS_TRAILER = "grpc-status-details-bin"
_PUSHBACK_TRAILER = "grpc-retry-pushback-ms"
_CODES = {code.value[0]: code for code in grpc.StatusCode}


def to_status(error: ServiceError) -> Status:
    """The google.rpc.Status of an error. One that a failed job left passes through unchanged."""
    if isinstance(error, JobFailedError):
        return error.status
    status = Status(code=error.code.value[0], message=error.message)
    for detail in error.details():
        status.details.add().Pack(detail)
    return status


def to_trailers(error: ServiceError, status: Status) -> tuple[tuple[str, str | bytes], ...]:
    """The trailing metadata that carries the details."""
    details = (_DETAILS_TRAILER, status.SerializeToString())
    if error.retry_after_seconds is None:
        return (details,)
    return (details, (_PUSHBACK_TRAILER, str(round(error.retry_after_seconds * 1000))))


def code_of(number: int | grpc.StatusCode) -> grpc.StatusCode:
    """The status code of this number; UNKNOWN for OK and for numbers that are none."""
    unknown = grpc.StatusCode.UNKNOWN
    code = _CODES.get(number, unknown) if isinstance(number, int) else number
    return unknown if code is grpc.StatusCode.OK else code


async def abort(context: grpc.aio.ServicerContext[Any, Any], error: ServiceError) -> None:
    """End the call with an error. Raises grpc's own AbortError, which must be let through."""
    status = to_status(error)
    await context.abort(code_of(status.code), status.message, to_trailers(error, status))
