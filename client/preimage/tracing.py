"""The SDK's spans: one for what the caller asked for, one below it for each call of the service.

They are in the traces of the application, if it has set OpenTelemetry up; otherwise nothing
happens. Each call carries its context along, so that the service's spans belong to it. Names are
those of https://opentelemetry.io/docs/specs/semconv/rpc/grpc/.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, TypeVar, cast

from preimage.errors import JobFailed, ServiceError
from preimage_tracing import NO_SPAN, TRACEPARENT, Kind, begin, current, is_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from google.protobuf.message import Message

    from preimage.request import Request
    from preimage_tracing import Attributes, Span

JOB_ID = "preimage.job_id"

Q = TypeVar("Q")
Metadata = tuple[tuple[str, str], ...]


def about(request: Request) -> Attributes:
    """What a span says of a request: names, never its source."""
    layer = request.layer or "+".join(request.layers or ())
    return {"preimage.task": request.task, "preimage.model": request.model, "preimage.layer": layer}


@contextmanager
def operation(name: str, attributes: Attributes, parent: str = "") -> Iterator[Span]:
    """A span around what the caller asked for.

    Args:
        name: what that is: "invert", "submit", "wait", …
        attributes: what is known of it.
        parent: a traceparent that it belongs to if the application has no span of its own.
    """
    above = parent if parent and current() is NO_SPAN else None
    span = begin(f"preimage {name}", parent=above, attributes=attributes)
    with _ending(span), span.entered():
        yield span


@contextmanager
def calling(request: object, target: str) -> Iterator[Span]:
    """A span around one call, which its metadata must carry along."""
    span = begin_call(request, target)
    with _ending(span):
        yield span


def begin_call(request: object, target: str) -> Span:
    """Begins the span of a call; a stream's ends with the stream: see `end_call`."""
    if not is_on():
        return NO_SPAN
    method = _method(cast("Message", request))
    said = {"rpc.system.name": "grpc", "rpc.method": method, "server.address": target}
    return begin(method, Kind.CLIENT, attributes=said)


def end_call(span: Span, error: BaseException | None = None) -> None:
    """Ends a span, which failed if there is an error."""
    if error is not None:
        span.fail(_word(error))
    span.end()


def peeked(requests: Iterable[Q]) -> tuple[Q, Iterator[Q]]:
    """The first of several requests, which tells what method they are for, and all of them."""
    rest = iter(requests)
    first = next(rest)
    return first, chain((first,), rest)


def carrying(metadata: Metadata, span: Span) -> Metadata:
    """The metadata with the context of a span, if it has one."""
    return (*metadata, (TRACEPARENT, span.traceparent)) if span.traceparent else metadata


@contextmanager
def _ending(span: Span) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        end_call(span, error)
        raise
    end_call(span)


def _word(error: BaseException) -> str:
    """Why something failed, in one word: sentences may quote what was sent."""
    match error:
        case JobFailed():
            return error.reason or "FAILED"
        case ServiceError():
            return error.code or type(error).__name__
        case _:
            return type(error).__name__


def _method(request: Message) -> str:
    """The method that takes such a request: each has a message of its own."""
    for service in request.DESCRIPTOR.file.services_by_name.values():
        for method in service.methods:
            if method.input_type is request.DESCRIPTOR:
                return f"{service.full_name}/{method.name}"
    return request.DESCRIPTOR.full_name
