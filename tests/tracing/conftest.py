"""OpenTelemetry set up in this process, for one test or one module, as an application would."""

from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.util._once import Once

from preimage_tracing import is_on


def forget_provider() -> None:
    """OpenTelemetry lets a process choose once; tests choose again and again."""
    trace._TRACER_PROVIDER = None
    trace._TRACER_PROVIDER_SET_ONCE = Once()


@pytest.fixture
def memory() -> Iterator[InMemorySpanExporter]:
    """All spans of this process, while the test lasts."""
    assert not is_on(), "another test has left its provider behind"
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    yield exporter
    provider.shutdown()
    forget_provider()
