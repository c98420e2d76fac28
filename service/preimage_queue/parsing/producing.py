"""Answers of the scripts behind `calls.producing`."""

import hashlib
from collections.abc import Callable
from typing import Any

from preimage_queue.parsing.rows import decoded, job_of, jobs_of, row_of
from preimage_queue.records import JobDetail, State
from preimage_queue.replies import (
    BlobRef,
    CancelReply,
    CancelVerdict,
    Conflict,
    Event,
    EventPage,
    JobPage,
    MissingBlob,
    OutputChunk,
    Rejected,
    RejectReason,
    SubmitOutcome,
    SubmitReply,
    Submitted,
)

__all__ = [
    "blob_digest",
    "blob_stored",
    "cancelled",
    "event_page",
    "job_detail",
    "job_page",
    "output_chunk",
    "refused",
    "submitted",
]


def blob_digest(data: bytes) -> str:
    """The name of a blob: sha256 of its bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def submitted(answer: list[Any]) -> SubmitReply:
    """Read `{kind, …}` of the script submit."""
    kind, first = answer[0].decode(), answer[1].decode()
    if kind == "CONFLICT":
        return Conflict(first)
    if kind == "MISSING_BLOB":
        return MissingBlob(first)
    if kind == "REJECTED":
        return _rejected(answer)
    created_ms = answer[2] if kind == SubmitOutcome.CREATED else None
    return Submitted(SubmitOutcome(kind), first, created_ms)


def refused(answer: list[Any]) -> Rejected | None:
    """Read `{ROOM}` or `{REJECTED, …}` of the script room."""
    return _rejected(answer) if answer[0] == b"REJECTED" else None


def _rejected(answer: list[Any]) -> Rejected:
    _, reason, retry_after_ms, limit = answer
    return Rejected(RejectReason(reason.decode()), retry_after_ms, limit)


def blob_stored(ref: BlobRef) -> Callable[[list[Any]], BlobRef | Rejected]:
    """Read the answer to the storing of this blob."""
    return lambda answer: _rejected(answer) if answer[0] == b"REJECTED" else ref


def cancelled(answer: list[bytes]) -> CancelReply:
    """Read `{verdict, state}`."""
    verdict, state = decoded(answer)
    return CancelReply(CancelVerdict(verdict), State(state) if state else None)


def job_detail(flat: list[bytes] | None) -> JobDetail | None:
    """Read a row with payloads."""
    if flat is None:
        return None
    row = row_of(flat)
    payloads = (row.get(name, b"") for name in ("result", "error", "event"))
    return JobDetail(job_of(row), row["spec"], *payloads)


def job_page(answer: list[Any]) -> JobPage:
    """Read `{rows, cursor, total, queued, running}`."""
    rows, cursor, total, queued, running = answer
    by_state = {State.QUEUED: queued, State.RUNNING: running}
    return JobPage(jobs_of(rows), cursor.decode(), total, by_state)


def event_page(after: str) -> Callable[[list[Any] | None], EventPage | None]:
    """Read `{entries, row, more}`; the next reading begins at `after` if there are no entries."""

    def parse(answer: list[Any] | None) -> EventPage | None:
        if answer is None:
            return None
        entries, row, more = answer
        events = tuple(_event(name, row_of(flat)) for name, flat in entries)
        return EventPage(
            events, job_of(row_of(row)), events[-1].id if events else after, bool(more)
        )

    return parse


def _event(name: bytes, row: dict[str, bytes]) -> Event:
    return Event(
        id=name.decode(),
        state=State(row["state"].decode()) if "state" in row else None,
        attempt=int(row["attempt"]),
        step=int(row["step"]),
        payload=row.get("event", b""),
        reason=row.get("reason", b"").decode(),
    )


def output_chunk(answer: list[Any] | None) -> OutputChunk | None:
    """Read `{data, total}`."""
    return None if answer is None else OutputChunk(answer[0], answer[1])
