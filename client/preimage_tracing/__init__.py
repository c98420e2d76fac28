"""Traces: spans where OpenTelemetry is set up in this process, and nothing where it is not.

The SDK, the frontend and the workers all make their spans here. None of them imports OpenTelemetry:
as long as nobody in the process has set it up, `begin` hands out `NO_SPAN` and costs a look into a
dictionary. An application that traces itself has the SDK's spans in its own traces; the processes
of the service and the command line set it up with `start`, if PREIMAGE_TRACING says so.

A span is never given a payload: its attributes are names, numbers and outcomes.
"""

from preimage_tracing.errors import TracingError
from preimage_tracing.lifecycle import start, stop
from preimage_tracing.making import begin, current
from preimage_tracing.spans import NO_SPAN, TRACEPARENT, Attributes, Kind, Span, is_on

__all__ = [
    "NO_SPAN",
    "TRACEPARENT",
    "Attributes",
    "Kind",
    "Span",
    "TracingError",
    "begin",
    "current",
    "is_on",
    "start",
    "stop",
]
