"""Spans that were recorded, wherever they came from, and how they hang together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue
    from opentelemetry.sdk.trace import ReadableSpan


@dataclass(frozen=True)
class Recorded:
    """One span."""

    name: str
    trace: str
    id: str
    parent: str
    service: str
    attributes: dict[str, Any]
    links: tuple[tuple[str, str], ...]
    """Trace and span that it has to do with."""
    failed: bool
    start_ns: int
    end_ns: int
    events: int = field(default=0)


def from_memory(spans: Iterable[ReadableSpan]) -> list[Recorded]:
    """What an exporter in memory holds."""
    return [
        Recorded(
            name=each.name,
            trace=f"{each.context.trace_id:032x}",
            id=f"{each.context.span_id:016x}",
            parent=f"{each.parent.span_id:016x}" if each.parent else "",
            service=str(each.resource.attributes["service.name"]),
            attributes=dict(each.attributes or {}),
            links=tuple(
                (f"{x.context.trace_id:032x}", f"{x.context.span_id:016x}") for x in each.links
            ),
            failed=each.status.status_code.name == "ERROR",
            start_ns=each.start_time or 0,
            end_ns=each.end_time or 0,
            events=len(each.events),
        )
        for each in spans
    ]


def from_wire(request: ExportTraceServiceRequest) -> Iterator[Recorded]:
    """What an exporter has sent."""
    for resource in request.resource_spans:
        of = {each.key: each.value.string_value for each in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Recorded(
                    name=span.name,
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    service=of["service.name"],
                    attributes={each.key: _value(each.value) for each in span.attributes},
                    links=tuple((x.trace_id.hex(), x.span_id.hex()) for x in span.links),
                    failed=span.status.code == 2,
                    start_ns=span.start_time_unix_nano,
                    end_ns=span.end_time_unix_nano,
                    events=len(span.events),
                )


def _value(value: AnyValue) -> object:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return tuple(_value(each) for each in value.array_value.values)
    return getattr(value, kind or "string_value")


def way_up(spans: list[Recorded], span: Recorded) -> list[str]:
    """Names from a span to the root of its trace, as far as it was recorded."""
    by_id = {each.id: each for each in spans}
    names = [span.name]
    while span.parent in by_id:
        span = by_id[span.parent]
        names.append(span.name)
    return names


def named(spans: list[Recorded], name: str, **attributes: object) -> list[Recorded]:
    """Spans of a name and of these attributes of ours, oldest first."""
    wanted = {f"preimage.{key}": value for key, value in attributes.items()}
    return sorted(
        (each for each in spans if each.name == name and wanted.items() <= each.attributes.items()),
        key=lambda each: each.start_ns,
    )
