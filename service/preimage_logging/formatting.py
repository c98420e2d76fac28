"""A record as one line: words for people, or a JSON object.

Tracebacks are bounded, and so is each of their lines: an error may quote a megabyte of what it
could not read.
"""

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Final, final

from preimage_logging.subject import subject
from preimage_tracing import current

_FIRST_LINES, _LAST_LINES = 12, 36
"""Of a traceback: where it began, and what went wrong."""
_LONGEST_LINE: Final = 300
_LONGEST_MESSAGE: Final = 4000
_VISIBLE: Final = {each: f"\\x{each:02x}" for each in (*range(32), *range(127, 160))}
"""Words of strangers must not look like lines of ours, nor steer a terminal."""


@final
class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, process, logger, message, and what else is known."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, object] = {
            "time": _time(record).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "process": self._process,
            "logger": record.name,
            "message": record.getMessage()[:_LONGEST_MESSAGE],
            **_context(),
        }
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            line["error"] = type(error).__name__
            line["traceback"] = "\n".join(_traceback(error))
        return json.dumps(line, ensure_ascii=False)


@final
class HumanFormatter(logging.Formatter):
    """A line for people; the traceback of an error stands below it, as everywhere."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """The line, and the traceback if there is one."""
        known = _context()
        about = f"{known['kind']} {known['job_id']}: " if "job_id" in known else ""
        trace = f" (trace {known['trace_id']})" if "trace_id" in known else ""
        message = record.getMessage()[:_LONGEST_MESSAGE].translate(_VISIBLE)
        when = _time(record).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        head = f"{when},{int(record.msecs):03d} {record.levelname} {self._process}"
        lines = [f"{head}: {about}{message}{trace}"]
        if record.exc_info and record.exc_info[1] is not None:
            # Indented, and nothing in it steers a terminal: it may quote words of strangers.
            lines += [f"  {line.translate(_VISIBLE)}" for line in _traceback(record.exc_info[1])]
        return "\n".join(lines)


def _time(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _context() -> dict[str, str]:
    """The job and the trace that a line written here and now belongs to."""
    known: dict[str, str] = {}
    about, span = subject(), current()
    if about is not None:
        known |= {"job_id": about.job_id, "kind": about.kind}
    trace_id = span.trace_id or (about.trace_id if about else "")
    if trace_id:
        known["trace_id"] = trace_id
    if span.span_id:
        known["span_id"] = span.span_id
    return known


def _traceback(error: BaseException) -> list[str]:
    whole = "".join(traceback.TracebackException.from_exception(error).format())
    lines = [line[:_LONGEST_LINE] for line in whole.splitlines()]
    left_out = len(lines) - _FIRST_LINES - _LAST_LINES
    if left_out <= 0:
        return lines
    return [*lines[:_FIRST_LINES], f"  … {left_out} lines …", *lines[-_LAST_LINES:]]
