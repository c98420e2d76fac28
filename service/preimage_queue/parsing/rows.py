"""Rows: how scripts answer with a record.

A row is a flat list `name, value, name, value …` that leaves out what is not set, so scripts and
parsers agree on names, not on positions.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from preimage_queue.records import Job, Lane, State

__all__ = [
    "Row",
    "decoded",
    "info_of",
    "job_of",
    "jobs_of",
    "names_in",
    "nothing",
    "optional_int",
    "row_of",
    "text_in",
    "verdict",
]

Row = dict[str, bytes]

E = TypeVar("E", bound=StrEnum)


def row_of(flat: Sequence[bytes]) -> Row:
    """Pair up a flat list of names and values."""
    return {name.decode(): value for name, value in zip(flat[::2], flat[1::2], strict=True)}


def text_in(row: Row, name: str) -> str:
    """A text of the row; empty if it is not set."""
    return row.get(name, b"").decode()


def optional_int(row: Row, name: str) -> int | None:
    """A whole number of the row; None if it is not set."""
    return int(row[name]) if name in row else None


def names_in(row: Row, name: str, separator: str) -> tuple[str, ...]:
    """A list of texts that the row holds as one."""
    text = text_in(row, name)
    return tuple(text.split(separator)) if text else ()


def nothing(_: object) -> None:
    """Read an answer that says nothing."""


def verdict(kind: type[E]) -> Callable[[bytes], E]:
    """Read an answer of one word."""
    return lambda answer: kind(answer.decode())


def job_of(row: Row) -> Job:
    """Read a job's listing."""
    return Job(
        id=text_in(row, "id"),
        tenant=text_in(row, "tenant"),
        request_id=text_in(row, "request_id"),
        fingerprint=text_in(row, "fingerprint"),
        lane=Lane(text_in(row, "lane")),
        pool=text_in(row, "pool"),
        batch_key=text_in(row, "batch_key"),
        slots=int(row["slots"]),
        cost=float(row["cost"]),
        model=text_in(row, "model"),
        layer=text_in(row, "layer"),
        state=State(text_in(row, "state")),
        attempt=int(row["attempt"]),
        deliveries=int(row["deliveries"]),
        solo="solo" in row,
        step=int(row.get("step", 0)),
        worker=text_in(row, "worker"),
        cancel_requested="cancel" in row,
        cancel_reason=text_in(row, "cancel"),
        reason=text_in(row, "reason"),
        last_failure=text_in(row, "last_failure"),
        outputs=names_in(row, "outputs", "\n"),
        bytes_held=int(row["bytes"]),
        created_ms=int(row["created"]),
        queued_ms=int(row["queued"]),
        started_ms=optional_int(row, "started"),
        finished_ms=optional_int(row, "finished"),
        deadline_ms=optional_int(row, "deadline"),
        expires_ms=optional_int(row, "expires"),
        follows=text_in(row, "follows"),
        origin=text_in(row, "source").partition(":")[0],
        cached=row.get("via") == b"CACHED",
    )


def jobs_of(rows: Sequence[Sequence[bytes]]) -> tuple[Job, ...]:
    """Read several listings."""
    return tuple(job_of(row_of(row)) for row in rows)


def info_of(text: bytes) -> dict[str, str]:
    """Read an answer of Redis' own INFO."""
    lines = (line.partition(":") for line in text.decode().splitlines() if ":" in line)
    return {name: value for name, _, value in lines}


def decoded(parts: Sequence[Any]) -> tuple[str, ...]:
    """Read a list of texts."""
    return tuple(part.decode() for part in parts)
