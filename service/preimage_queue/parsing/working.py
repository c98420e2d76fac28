"""Answers of the scripts behind `calls.working`."""

from collections.abc import Callable, Sequence

from preimage_queue.parsing.rows import Row, decoded, names_in, optional_int, row_of, text_in
from preimage_queue.records import BatchRef, Beat, Claimed, Lane
from preimage_queue.replies import (
    BeatReply,
    BeatVerdict,
    FinishReply,
    FinishVerdict,
    Follower,
    HandBackVerdict,
)

__all__ = ["beaten", "checkpoint", "claimed", "finished", "handed_back", "payload"]


def claimed(rows: Sequence[list[bytes]]) -> tuple[Claimed, ...]:
    """Read the jobs of a claim."""
    return tuple(_claimed(row_of(row)) for row in rows)


def _claimed(row: Row) -> Claimed:
    return Claimed(
        id=text_in(row, "id"),
        attempt=int(row["attempt"]),
        tenant=text_in(row, "tenant"),
        lane=Lane(text_in(row, "lane")),
        batch=BatchRef(text_in(row, "pool"), text_in(row, "batch_key")),
        slots=int(row["slots"]),
        cost=float(row["cost"]),
        deliveries=int(row["deliveries"]),
        created_ms=int(row["created"]),
        queued_ms=int(row["queued"]),
        started_ms=int(row["started"]),
        deadline_ms=optional_int(row, "deadline"),
        lease_ms=int(row["lease"]),
        checkpoint_step=optional_int(row, "checkpoint_step"),
        spec=row["spec"],
        blobs=names_in(row, "blobs", ","),
        model=text_in(row, "model"),
        layer=text_in(row, "layer"),
        now_ms=int(row["now"]),
        trace=text_in(row, "trace"),
    )


def beaten(beats: tuple[Beat, ...]) -> Callable[[list[bytes]], tuple[BeatReply, ...]]:
    """Read `{verdict, reason, …}` in the order of the beats."""

    def parse(flat: list[bytes]) -> tuple[BeatReply, ...]:
        parts = decoded(flat)
        lines = zip(beats, parts[::2], parts[1::2], strict=True)
        return tuple(BeatReply(beat.id, BeatVerdict(word), reason) for beat, word, reason in lines)

    return parse


def finished(answer: list[bytes]) -> FinishReply:
    """Read `{verdict, name of a missing output, and of each follower id, trace, created, now}`."""
    word, missing, *rest = decoded(answer)
    lines = zip(rest[::4], rest[1::4], rest[2::4], rest[3::4], strict=True)
    followers = tuple(
        Follower(job_id, trace, waited_ms=int(now) - int(created))
        for job_id, trace, created, now in lines
    )
    return FinishReply(FinishVerdict(word), missing, followers)


def handed_back(answer: list[bytes]) -> tuple[HandBackVerdict, ...]:
    """Read one word for each job."""
    return tuple(map(HandBackVerdict, decoded(answer)))


def checkpoint(answer: list[bytes] | None) -> tuple[int, bytes] | None:
    """Read `{step, data}`."""
    return None if answer is None else (int(answer[0]), answer[1])


def payload(answer: bytes | None) -> bytes | None:
    """Read bytes, or nothing."""
    return answer
