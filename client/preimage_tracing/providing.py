"""A provider of OpenTelemetry's SDK, made of its own OTEL_* variables.

The SDK reads most of them by itself: sampler, limits, the batch, the exporter's endpoint, headers
and certificates. What is read here is the choice of the exporter, and the process's name.
"""

import os
import threading
from importlib.metadata import entry_points, version
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from preimage_tracing.errors import TracingError

_GROUP: Final = "opentelemetry_traces_exporter"
"""Entry points under which packages of exporters are found."""
_OTLP: Final = {"http/protobuf": "otlp_proto_http", "grpc": "otlp_proto_grpc"}
_PROTOCOL_VARIABLES: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


def start(process: str) -> None:
    """Makes the provider of this process; see `lifecycle.start`."""
    exporter = _exporter()
    # What the variables say of the process goes before what we know of it.
    ours = {"service.name": f"preimage-{process}", "service.version": version("preimage")}
    resource = Resource.create({**ours, **OTELResourceDetector().detect().attributes})
    # It would wait for the collector at exit, for as long as it likes: `stop` waits instead.
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    if exporter is not None:
        # A queue with a bound, emptied by a thread of its own: what does not fit is dropped.
        provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)


def stop(patience_seconds: float) -> None:
    """Sends what is left, and returns when that is done or the patience is over."""
    shutdown: Any = getattr(trace.get_tracer_provider(), "shutdown", None)
    if shutdown is None:
        return
    thread = threading.Thread(target=shutdown, name="spans", daemon=True)
    thread.start()
    thread.join(patience_seconds)


def _exporter() -> SpanExporter | None:
    name = os.environ.get("OTEL_TRACES_EXPORTER", "").strip() or "otlp"
    if name == "none":
        return None
    wanted = _otlp() if name == "otlp" else name
    found = list(entry_points(group=_GROUP, name=wanted))
    if not found:
        known = ", ".join(sorted({"none", "otlp", *entry_points(group=_GROUP).names}))
        raise TracingError(
            f"OTEL_TRACES_EXPORTER asks for {wanted!r}, which is not installed here; there are "
            f"{known}."
        )
    try:
        exporter: SpanExporter = found[0].load()()
    except Exception as error:
        raise TracingError(f"Spans cannot be sent by {wanted!r}: {error}.") from error
    return exporter


def _otlp() -> str:
    protocol = next(filter(None, map(os.environ.get, _PROTOCOL_VARIABLES)), "http/protobuf")
    if protocol not in _OTLP:
        raise TracingError(
            f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol!r}: write one of {', '.join(_OTLP)}."
        )
    return _OTLP[protocol]
