"""What the lines of this thread or task are about."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, final

_TRACE_ID_AT: Final = slice(3, 35)
"""Of a traceparent: behind its version."""


@final
@dataclass(frozen=True, slots=True)
class Subject:
    """A job, as lines name it."""

    job_id: str
    kind: str = "job"
    """"audit", where that is what it is."""

    trace_id: str = ""
    """Of the trace that it belongs to; empty for none."""


_subject: ContextVar[Subject | None] = ContextVar("subject", default=None)


def subject() -> Subject | None:
    """What lines are about here and now; None: no job."""
    return _subject.get()


def about(job_id: str, kind: str = "job") -> None:
    """From here to the end of this task, lines are about this job."""
    _subject.set(Subject(job_id, kind))


@contextmanager
def concerning(job_id: str, trace: str = "", kind: str = "job") -> Iterator[None]:
    """Lines of the block are about this job.

    Args:
        job_id: the job.
        trace: the traceparent that it brings, if any.
        kind: "job" or "audit".
    """
    token = _subject.set(Subject(job_id, kind, trace[_TRACE_ID_AT]))
    try:
        yield
    finally:
        _subject.reset(token)
