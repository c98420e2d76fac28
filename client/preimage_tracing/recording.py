"""Spans as OpenTelemetry records them. Imported only where it is set up."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from preimage_tracing.spans import NO_SPAN, TRACEPARENT, Attributes, Kind, Span

_W3C: Final = TraceContextTextMapPropagator()
_KINDS: Final = {kind: trace.SpanKind[kind.value] for kind in Kind}
_ERROR_TYPE: Final = "error.type"
_SCOPE: Final = "preimage"


@final
class _Recorded:
    """A span of OpenTelemetry's."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def traceparent(self) -> str:
        carrier: dict[str, str] = {}
        _W3C.inject(carrier, trace.set_span_in_context(self._span, Context()))
        return carrier.get(TRACEPARENT, "")

    @property
    def trace_id(self) -> str:
        return trace.format_trace_id(self._span.get_span_context().trace_id)

    @property
    def span_id(self) -> str:
        return trace.format_span_id(self._span.get_span_context().span_id)

    def note(self, attributes: Attributes) -> None:
        self._span.set_attributes(dict(attributes))

    def fail(self, reason: str) -> None:
        self._span.set_attribute(_ERROR_TYPE, reason)
        self._span.set_status(trace.StatusCode.ERROR, reason)

    def end(self) -> None:
        self._span.end()

    @contextmanager
    def entered(self) -> Iterator[None]:
        # An exception's words and traceback may quote what a caller sent: neither is recorded.
        with trace.use_span(
            self._span, end_on_exit=False, record_exception=False, set_status_on_exception=False
        ):
            yield


def begin(
    name: str,
    kind: Kind,
    *,
    parent: str | None,
    attributes: Attributes,
    links: Sequence[str],
    start_ns: int | None,
) -> Span:
    """Begins a span: see `spans.begin`."""
    made = trace.get_tracer(_SCOPE).start_span(
        name,
        context=None if parent is None else _context(parent),
        kind=_KINDS[kind],
        attributes=dict(attributes),
        links=[trace.Link(_span_context(each)) for each in links if each],
        start_time=start_ns,
    )
    return _Recorded(made)


def current() -> Span:
    """The current span."""
    span = trace.get_current_span()
    return _Recorded(span) if span.get_span_context().is_valid else NO_SPAN


def _context(traceparent: str) -> Context:
    """What a header says; one that is malformed says nothing."""
    return _W3C.extract({TRACEPARENT: traceparent}, Context())


def _span_context(traceparent: str) -> trace.SpanContext:
    return trace.get_current_span(_context(traceparent)).get_span_context()
