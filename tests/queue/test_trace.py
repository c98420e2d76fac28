"""The context of a trace goes with the job, and says nothing of what the job is."""

import pytest

from preimage_queue import (
    Conflict,
    Finish,
    FinishVerdict,
    HandBackMode,
    Queue,
    State,
    SubmitOutcome,
    Submitted,
)
from tests.queue.helpers import Clock, a_job, put, take_one

SAME = "c" * 64


def trace(number: int) -> str:
    return f"00-{number:032x}-{number:016x}-01"


def test_whoever_claims_a_job_gets_its_trace_each_time(queue: Queue) -> None:
    put(queue, trace=trace(1))
    first = take_one(queue)
    queue.hand_back([(first.id, first.attempt)], HandBackMode.SILENT)
    assert [first.trace, take_one(queue).trace] == [trace(1), trace(1)]


def test_a_job_needs_none(queue: Queue) -> None:
    put(queue)
    assert not take_one(queue).trace


def test_a_repeated_request_may_come_with_another_trace_and_the_first_is_kept(
    queue: Queue,
) -> None:
    job = a_job(request_id="again", fingerprint="f", trace=trace(1))
    queue.submit(job)
    reply = queue.submit(a_job(request_id="again", fingerprint="f", trace=trace(2)))
    assert not isinstance(reply, Conflict)
    assert isinstance(reply, Submitted)
    assert (reply.outcome, reply.job_id) == (SubmitOutcome.EXISTING, job.id)
    assert take_one(queue).trace == trace(1)


def end_of(queue: Queue, state: State, *, names: bool) -> dict[str, tuple[str, int]]:
    claimed = take_one(queue)
    end = Finish(id=claimed.id, attempt=claimed.attempt, state=state)
    reply = queue.finish(end, names_followers=names)
    assert reply.verdict is FinishVerdict.ACCEPTED
    return {each.id: (each.trace, each.waited_ms) for each in reply.followers}


def test_whoever_ends_a_run_learns_of_the_traced_jobs_that_end_with_it(
    queue: Queue, clock: Clock
) -> None:
    put(queue, computation=SAME, trace=trace(1))
    traced = put(queue, computation=SAME, trace=trace(2))
    put(queue, computation=SAME)
    clock.pass_seconds(7)
    ((job_id, (theirs, waited_ms)),) = end_of(queue, State.SUCCEEDED, names=True).items()
    assert (job_id, theirs) == (traced, trace(2))
    assert waited_ms >= 7000


@pytest.mark.parametrize(
    ("state", "names"), [(State.SUCCEEDED, False), (State.CANCELLED, True)], ids=str
)
def test_nobody_is_named_who_was_not_asked_for_or_goes_on(
    queue: Queue, state: State, *, names: bool
) -> None:
    put(queue, computation=SAME)
    put(queue, computation=SAME, trace=trace(2))
    assert end_of(queue, state, names=names) == {}


@pytest.mark.parametrize("text", ["x", trace(1)[:-1], trace(1) + "-more", trace(1).upper() + "Z"])
def test_what_is_no_traceparent_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="traceparent"):
        a_job(trace=text)
