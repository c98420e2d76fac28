"""Setting OpenTelemetry up for a process of ours, and letting go of it, within a bounded time."""

from preimage_tracing.errors import TracingError
from preimage_tracing.spans import is_on

_FLUSH_SECONDS = 2.0
"""For what has not been sent when a process ends; a collector that is away gets no more."""


def start(process: str) -> None:
    """Sends the spans of this process where the OTEL_* variables say.

    Args:
        process: what it is: "service", "worker", "auditor", "cli".

    Raises:
        TracingError: OpenTelemetry is not installed, or a variable cannot be used.
    """
    try:
        from preimage_tracing import providing  # noqa: PLC0415 - it needs OpenTelemetry's SDK
    except ImportError as error:
        raise TracingError(
            f"PREIMAGE_TRACING is set, and {error.name} is not installed: "
            "`pip install 'preimage[tracing]'`, or unset it."
        ) from None
    providing.start(process)


def stop() -> None:
    """Sends what has not been sent yet, for two seconds at most."""
    if not is_on():
        return
    from preimage_tracing import providing  # noqa: PLC0415 - see above

    providing.stop(_FLUSH_SECONDS)
