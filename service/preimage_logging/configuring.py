"""Where lines go, which of them, and in what form: once a process, at its start."""

import logging
import os
import sys
import threading
import time
from types import TracebackType
from typing import Final, final

from preimage_logging.formatting import HumanFormatter, JsonFormatter

LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
FORMATS: Final = ("human", "json")

_OTHERS: Final = "opentelemetry"
_PAUSE_SECONDS: Final = 60.0
_VARIABLE: Final = "PREIMAGE_LOG_FORMAT"
_log = logging.getLogger(__name__)


def configure(process: str, level: str, form: str) -> None:
    """Writes lines to stderr from now on, warnings and errors that nobody catches among them.

    Args:
        process: what every line calls it: "service", "worker", "auditor".
        level: one of `LEVELS`; less is not written.
        form: one of `FORMATS`.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_formatter(process, form))
    handler.addFilter(_Calm())
    logging.basicConfig(level=level, handlers=[handler])
    logging.captureWarnings(capture=True)
    sys.excepthook = _tell_uncaught
    threading.excepthook = _tell_uncaught_of_thread


def last_words(process: str, sentence: str) -> None:
    """Says why a process ends before, or instead of, its log: one sentence on stderr.

    Its form is what the environment asks for, since it may be the settings that cannot be read.
    """
    text = f"preimage {process}: {sentence}"
    if os.environ.get(_VARIABLE, "").strip() == "json":
        record = logging.LogRecord(_log.name, logging.CRITICAL, __file__, 0, text, None, None)
        text = _formatter(process, "json").format(record)
    sys.stderr.write(f"{text}\n")


def _formatter(process: str, form: str) -> logging.Formatter:
    return JsonFormatter(process) if form == "json" else HumanFormatter(process)


def _tell_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    _log.critical("the process ends: %s", kind.__name__, exc_info=error)


def _tell_uncaught_of_thread(what: threading.ExceptHookArgs) -> None:
    name = what.thread.name if what.thread else "?"
    _log.critical("the thread %s ends: %s", name, what.exc_type.__name__, exc_info=what.exc_value)


@final
class _Calm(logging.Filter):
    """Lets each of OpenTelemetry's loggers say something once a minute, and without tracebacks.

    A collector may be away for hours. That is no trouble of the service's.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said_at: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written."""
        if not record.name.startswith(_OTHERS):
            return True
        record.exc_info = record.exc_text = None
        now, key = time.monotonic(), (record.name, record.levelno)
        if now - self._said_at.get(key, -_PAUSE_SECONDS) < _PAUSE_SECONDS:
            return False
        self._said_at[key] = now
        return True
