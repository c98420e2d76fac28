"""Spans, as far as they are known without OpenTelemetry."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import Final, Protocol, TypeAlias, final

Value: TypeAlias = str | int | float | bool | Sequence[str]
Attributes: TypeAlias = Mapping[str, Value]

TRACEPARENT: Final = "traceparent"
"""Name of the header in which a context travels: https://www.w3.org/TR/trace-context/."""


class Kind(StrEnum):
    """What a span is to the one that it belongs to, in OpenTelemetry's words."""

    INTERNAL = "INTERNAL"
    CLIENT = "CLIENT"
    SERVER = "SERVER"
    CONSUMER = "CONSUMER"


class Span(Protocol):
    """A piece of work that takes time. Each method may be called from any thread."""

    @property
    def traceparent(self) -> str:
        """The span as a header names it; empty if there is none."""
        ...

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits; empty if there is no span."""
        ...

    @property
    def span_id(self) -> str:
        """16 hexadecimal digits; empty if there is no span."""
        ...

    def note(self, attributes: Attributes) -> None:
        """Takes note of more attributes."""
        ...

    def fail(self, reason: str) -> None:
        """Marks the span as failed, with one word and no more: words of errors may quote inputs."""
        ...

    def end(self) -> None:
        """Ends the span, once."""
        ...

    def entered(self) -> AbstractContextManager[object]:
        """Makes it the current span of a block, which does not end it."""
        ...


@final
class _NoSpan:
    """Stands where nothing is traced."""

    traceparent = trace_id = span_id = ""

    def note(self, attributes: Attributes) -> None:
        """Forgets."""

    def fail(self, reason: str) -> None:
        """Forgets."""

    def end(self) -> None:
        """Does nothing."""

    def entered(self) -> AbstractContextManager[object]:
        """Changes nothing."""
        return nullcontext()


NO_SPAN: Final[Span] = _NoSpan()


def is_on() -> bool:
    """Whether somebody has set OpenTelemetry up in this process.

    That the package is imported says nothing: redis-py does that wherever it is installed.
    """
    api = sys.modules.get("opentelemetry.trace")
    provider = getattr(api, "get_tracer_provider", None)  # None also while it is being imported
    return provider is not None and not isinstance(provider(), api.ProxyTracerProvider)  # type: ignore[union-attr]
