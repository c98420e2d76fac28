"""A call as a span: begun by its caller's own, and named as OpenTelemetry's conventions name calls.

https://opentelemetry.io/docs/specs/semconv/rpc/grpc/. What operators' tools ask of a process again
and again, health and reflection, is not traced.
"""

from collections.abc import Iterable
from typing import Final, TypeAlias

import grpc

from preimage_queue import is_id
from preimage_tracing import NO_SPAN, TRACEPARENT, Kind, Span, begin, is_on

Metadata: TypeAlias = Iterable[tuple[str, str | bytes]]

JOB_ID: Final = "preimage.job_id"
_OURS: Final = "preimage.v1."
_FAULTS: Final = frozenset(
    {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}
)
"""What is the server's failure and not its caller's, in the conventions' words."""


def begin_call(service: str, method: str, metadata: Metadata) -> Span:
    """The span of a call, a child of the one that its caller names."""
    if not (service.startswith(_OURS) and is_on()):
        return NO_SPAN
    parent = next((value for key, value in metadata if key == TRACEPARENT), "")
    return begin(
        f"{service}/{method}",
        Kind.SERVER,
        parent=parent if isinstance(parent, str) else "",
        attributes={"rpc.system.name": "grpc", "rpc.method": f"{service}/{method}"},
    )


def end_call(span: Span, subject: str, code: grpc.StatusCode) -> None:
    """End it with the status that the caller gets; `subject` is what the call was about."""
    span.note({"rpc.response.status_code": code.name})
    if is_id(subject):
        span.note({JOB_ID: subject})
    if code.name in _FAULTS:
        span.fail(code.name)
    span.end()
