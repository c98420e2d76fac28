"""How a gRPC status becomes an exception of the SDK: one table, by code.

The message is the server's sentence and what to do about it. Refusals by gRPC itself carry no
details (oversize messages, too many concurrent calls, no server at all): they are told by code and
text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import final

import grpc

from preimage.advice import advice_for, pause_for, sentences
from preimage.details import Details, details_of
from preimage.errors import (
    DeadlineExceeded,
    HandshakeFailed,
    InternalError,
    InvalidRequest,
    NotAllowed,
    NotFound,
    NotReady,
    Overloaded,
    PreimageError,
    ServiceError,
    Unavailable,
)
from preimage.fieldnames import with_setting_names
from preimage.handshake import explained

TABLE: dict[grpc.StatusCode, type[ServiceError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequest,
    grpc.StatusCode.OUT_OF_RANGE: InvalidRequest,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.FAILED_PRECONDITION: NotReady,
    grpc.StatusCode.ALREADY_EXISTS: NotReady,
    grpc.StatusCode.ABORTED: NotReady,
    grpc.StatusCode.UNAUTHENTICATED: NotAllowed,
    grpc.StatusCode.PERMISSION_DENIED: NotAllowed,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Overloaded,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.CANCELLED: Unavailable,
    grpc.StatusCode.INTERNAL: InternalError,
    grpc.StatusCode.UNKNOWN: InternalError,
    grpc.StatusCode.DATA_LOSS: InternalError,
    grpc.StatusCode.UNIMPLEMENTED: InternalError,
}
"""DEADLINE_EXCEEDED alone is missing: it is no refusal, but the caller's own limit."""

_OVERSIZE = "larger than max"
_COUNTED = re.compile(r"; and (\d{1,9}) more$")
"""How a server's sentence ends that leaves out violations."""
_CUT = ("RST_STREAM", "Stream removed")
"""Texts of a connection that broke, which gRPC files under INTERNAL and UNKNOWN."""
_BARE: dict[type[PreimageError], str] = {
    DeadlineExceeded: (
        "{target} did not answer within the time that was allowed. Give the client a larger "
        "timeout_seconds, or see whether the server is overloaded."
    ),
    Unavailable: (
        "No preimage server answers at {target} ({text}). Start one with `preimage up`, or name "
        "the right target: Client(target=…), PREIMAGE_TARGET."
    ),
    Overloaded: "The server at {target} takes no more calls now ({text}). Try again later.",
    InvalidRequest: "The server at {target} does not take this call: {text}.",
    NotAllowed: "{target} does not allow this call: {text}. Give a token: PREIMAGE_TOKEN.",
    InternalError: (
        "The server at {target} failed: {text}. It is no preimage server, an older one, or it has "
        "a bug that its operator should know of."
    ),
}
"""Messages for failures that carry no details, because gRPC itself refused the call."""
_UNKNOWN_METHOD = (
    "The server at {target} does not know this method. A frontend has two ports, the service at "
    "PREIMAGE_TARGET and its AdminService at PREIMAGE_ADMIN_TARGET: see that they are not mixed "
    "up. Otherwise it is no preimage server, or an older one."
)
"""For UNIMPLEMENTED, which each of the ports says of what the other one answers."""


@final
@dataclass(frozen=True)
class Failure:
    """How a call ended that did not succeed."""

    code: grpc.StatusCode
    """The status code."""
    text: str
    """The status message."""
    trailers: tuple[tuple[str, str | bytes], ...] = ()
    """The trailing metadata."""
    secure: bool = False
    """Whether the client speaks TLS."""


def error_of(failure: Failure, target: str) -> PreimageError:
    """Translates a failed call.

    Args:
        failure: how it failed.
        target: where the service was looked for.
    """
    details = details_of(failure.trailers)
    if failure.code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineExceeded(_message(failure, DeadlineExceeded, details, target))
    if failure.code is grpc.StatusCode.UNAVAILABLE and not details.messages:
        why = explained(failure.text, target, secure=failure.secure)
        if why is not None:
            code = failure.code.name
            return HandshakeFailed(why.sentence, code=code, repeatable=why.passing)
    kind = _kind(failure)
    return kind(
        _message(failure, kind, details, target),
        code=failure.code.name,
        reason=details.reason,
        violations=details.violations,
        details=details.messages,
        retry_after_seconds=details.retry_after_seconds,
        repeatable=issubclass(kind, Overloaded | Unavailable) and not details.retry_forbidden,
    )


def _kind(failure: Failure) -> type[ServiceError]:
    kind = TABLE[failure.code]
    if kind is Overloaded and _OVERSIZE in failure.text:
        return InvalidRequest
    if kind is InternalError and any(text in failure.text for text in _CUT):
        return Unavailable
    return kind


def _message(failure: Failure, kind: type[PreimageError], details: Details, target: str) -> str:
    if not details.messages and failure.code is grpc.StatusCode.UNIMPLEMENTED:
        return _UNKNOWN_METHOD.format(target=target)
    if not details.messages and kind in _BARE:
        return _BARE[kind].format(target=target, text=_cause(failure))
    sentence = failure.text or f"The server answered {failure.code.name}."
    untold = [each for each in details.violations if each.description not in sentence]
    wrong = [f"{each.field}: {each.description}" for each in untold]
    counted = _COUNTED.search(sentence)
    if counted is not None and wrong:  # the sentence goes on with what it only counted
        left = int(counted[1]) - len(wrong)
        more = [f"and {left} more"] if left > 0 else []
        sentence, wrong = "; ".join([sentence[: counted.start()], *wrong, *more]), []
    pause = pause_for(details.retry_after_seconds)
    said = with_setting_names(sentence), with_setting_names("; ".join(wrong))
    return sentences(*said, advice_for(details.reason, sentence), pause)


def _cause(failure: Failure) -> str:
    # gRPC lists every address that it tried; the last clause says what went wrong.
    text = failure.text.rpartition("last error: ")[2].removeprefix("UNKNOWN: ")
    return text.rstrip(".!") or failure.code.name
