"""The `google.rpc` messages that travel with a status (AIP-193), decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

from preimage.errors import Violation

if TYPE_CHECKING:
    from collections.abc import Iterable

_STATUS_TRAILER = "grpc-status-details-bin"
_PUSHBACK_TRAILER = "grpc-retry-pushback-ms"
_KINDS: tuple[type[Message], ...] = (
    error_details_pb2.BadRequest,
    error_details_pb2.ErrorInfo,
    error_details_pb2.PreconditionFailure,
    error_details_pb2.QuotaFailure,
    error_details_pb2.RetryInfo,
)


@final
@dataclass(frozen=True)
class Details:
    """What a server says about a failure besides code and text."""

    messages: tuple[Message, ...] = ()
    """The decoded messages, in the server's order."""
    reason: str = ""
    """Reason of the ErrorInfo."""
    violations: tuple[Violation, ...] = ()
    """Field violations of the BadRequest."""
    retry_after_seconds: float | None = None
    """RetryInfo, or gRPC's pushback; None: neither was sent."""
    retry_forbidden: bool = False
    """The pushback was negative: the server does not want the call again."""


def details_of(trailers: Iterable[tuple[str, str | bytes]]) -> Details:
    """Decodes the trailing metadata of a failed call. What cannot be decoded is left out."""
    known = dict(trailers)
    packed = known.get(_STATUS_TRAILER, b"")
    try:
        status = status_pb2.Status.FromString(packed if isinstance(packed, bytes) else b"")
    except DecodeError:
        status = status_pb2.Status()
    pushback = _milliseconds(known.get(_PUSHBACK_TRAILER))
    return _with_pushback(details_of_status(status), pushback)


def details_of_status(status: status_pb2.Status) -> Details:
    """Decodes the details of a status message, as a failed job holds one."""
    reason, violations, retry_after_seconds = "", list[Violation](), None
    messages = tuple(_unpacked(status))
    for message in messages:
        match message:
            case error_details_pb2.ErrorInfo():
                reason = message.reason
            case error_details_pb2.BadRequest():
                violations += [
                    Violation(each.field, each.description) for each in message.field_violations
                ]
            case error_details_pb2.RetryInfo():
                retry_after_seconds = message.retry_delay.ToTimedelta().total_seconds()
            case _:
                pass
    return Details(messages, reason, tuple(violations), retry_after_seconds)


def _unpacked(status: status_pb2.Status) -> Iterable[Message]:
    for packed in status.details:
        for kind in _KINDS:
            message = kind()
            try:
                if packed.Unpack(message):
                    yield message
            except DecodeError:
                continue


def _milliseconds(pushback: str | bytes | None) -> int | None:
    try:
        return None if pushback is None else int(pushback)
    except ValueError:
        return -1  # gRPC's rule (A6): what is no number forbids the repetition


def _with_pushback(details: Details, pushback_milliseconds: int | None) -> Details:
    if pushback_milliseconds is None:
        return details
    asked = details.retry_after_seconds
    if asked is None and pushback_milliseconds >= 0:
        asked = pushback_milliseconds / 1000
    return Details(
        details.messages,
        details.reason,
        details.violations,
        asked,
        retry_forbidden=pushback_milliseconds < 0,
    )
