"""Tracing of the command line's own process: whether, and what a collector that is away means."""

import logging
import os
from typing import Final, final

from preimage.cli.output import say
from preimage_tracing import TracingError, start

__all__ = ["begin_tracing"]

_VARIABLE: Final = "PREIMAGE_TRACING"
_YES: Final = frozenset({"1", "true", "yes", "on"})
_NO: Final = frozenset({"", "0", "false", "no", "off"})


def begin_tracing() -> None:
    """Sends spans of this process if `PREIMAGE_TRACING` says so.

    Raises:
        TracingError: the variable is neither yes nor no, or tracing cannot be set up.
    """
    text = os.environ.get(_VARIABLE, "").strip()
    if text.lower() not in _YES | _NO:
        raise TracingError(f"{_VARIABLE} is {text!r}: write 1 or 0.")
    if text.lower() in _YES:
        start("cli")
        logging.getLogger("opentelemetry.exporter").addHandler(_Unsent())


@final
class _Unsent(logging.Handler):
    """Says once, in a sentence, that spans cannot be sent.

    The exporter tells of each attempt in the words of its HTTP library. Without a handler those
    would go to stderr as they are.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said = False

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002 - logging's signature
        """Says it, unless it was said or the process keeps a log, which has the line."""
        if self._said or logging.getLogger().handlers:
            return
        self._said = True
        say(
            "Spans of this command cannot be sent; nothing else is touched. Name the collector in "
            "OTEL_EXPORTER_OTLP_ENDPOINT, or unset PREIMAGE_TRACING."
        )
