"""Making spans, and asking for the current one: nothing happens unless tracing is set up."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from preimage_tracing.spans import NO_SPAN, Attributes, Kind, Span, is_on

_NOTHING: Final[Attributes] = MappingProxyType({})


def begin(
    name: str,
    kind: Kind = Kind.INTERNAL,
    *,
    parent: str | None = None,
    attributes: Attributes = _NOTHING,
    links: Sequence[str] = (),
    start_ns: int | None = None,
) -> Span:
    """Begins a span, which somebody must end.

    Args:
        name: what is done, of few different ones.
        kind: what it is to its parent.
        parent: the traceparent of the span that it belongs to, as it came from elsewhere; what is
            none begins a trace. None: the current span.
        attributes: what is known of it.
        links: traceparents of spans that it has to do with.
        start_ns: when it began, in nanoseconds since 1970. None: now.
    """
    if not is_on():
        return NO_SPAN
    from preimage_tracing import recording  # noqa: PLC0415 - it needs OpenTelemetry

    return recording.begin(
        name, kind, parent=parent, attributes=attributes, links=links, start_ns=start_ns
    )


def current() -> Span:
    """The current span of this thread or task; `NO_SPAN` if there is none."""
    if not is_on():
        return NO_SPAN
    from preimage_tracing import recording  # noqa: PLC0415 - it needs OpenTelemetry

    return recording.current()
