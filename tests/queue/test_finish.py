import pytest

from preimage_queue import (
    Finish,
    FinishReply,
    FinishVerdict,
    HandBackMode,
    HandBackVerdict,
    Queue,
    State,
)
from tests.queue.helpers import Clock, put, succeed, take_one

ACCEPTED = FinishReply(FinishVerdict.ACCEPTED)
STALE = FinishReply(FinishVerdict.STALE)


def test_a_job_ends_as_its_attempt_says(queue: Queue) -> None:
    put(queue)
    job = take_one(queue)
    assert queue.finish(succeed(job, result=b"\x00\xff")) == ACCEPTED
    detail = queue.get_job(job.id, "ada")
    assert detail is not None
    assert (detail.job.state, detail.result, detail.error) == (State.SUCCEEDED, b"\x00\xff", b"")
    assert detail.job.finished_ms is not None
    assert detail.job.expires_ms == detail.job.finished_ms + 24 * 3600 * 1000
    assert queue.stats().running == 0


def test_a_failure_has_a_reason_and_is_no_dead_letter(queue: Queue) -> None:
    put(queue)
    job = take_one(queue)
    queue.finish(succeed(job, state=State.FAILED, reason="DIVERGED", error=b"NaN at step 7"))
    detail = queue.get_job(job.id, "ada")
    assert detail is not None
    assert (detail.job.state, detail.job.reason) == (State.FAILED, "DIVERGED")
    assert detail.error == b"NaN at step 7"
    assert queue.list_dead().jobs == ()


def test_finishing_again_with_the_same_content_is_harmless(queue: Queue) -> None:
    put(queue)
    job = take_one(queue)
    queue.finish(succeed(job, result=b"r"))
    assert queue.finish(succeed(job, result=b"r")).verdict is FinishVerdict.REPEATED


@pytest.mark.parametrize("change", [{"result": b"other"}, {"state": State.FAILED}])
def test_finishing_again_with_other_content_is_stale(
    queue: Queue, change: dict[str, object]
) -> None:
    put(queue)
    job = take_one(queue)
    queue.finish(succeed(job, result=b"r"))
    assert queue.finish(succeed(job, **{"result": b"r"} | change)) == STALE
    detail = queue.get_job(job.id, "ada")
    assert detail is not None
    assert (detail.job.state, detail.result) == (State.SUCCEEDED, b"r")


def test_a_late_worker_cannot_overwrite_a_newer_attempt(queue: Queue, clock: Clock) -> None:
    put(queue)
    late = take_one(queue, worker="late")
    clock.pass_seconds(21)
    queue.reap()
    newer = take_one(queue, worker="newer")
    assert queue.finish(succeed(late, result=b"late")) == STALE
    assert queue.finish(succeed(newer, result=b"newer")) == ACCEPTED
    assert queue.finish(succeed(late, result=b"late")) == STALE
    detail = queue.get_job(late.id, "ada")
    assert detail is not None
    assert detail.result == b"newer"


def test_an_attempt_that_gave_the_job_back_cannot_finish_it(queue: Queue) -> None:
    put(queue)
    job = take_one(queue)
    assert queue.hand_back([(job.id, job.attempt)], HandBackMode.SILENT) == (
        HandBackVerdict.REQUEUED,
    )
    assert queue.finish(succeed(job)) == STALE


def test_an_attempt_that_finishes_before_it_saw_the_wish_to_cancel_is_believed(
    queue: Queue,
) -> None:
    put(queue)
    job = take_one(queue)
    queue.cancel(job.id, "ada", "too late")
    assert queue.finish(succeed(job)) == ACCEPTED
    detail = queue.get_job(job.id, "ada")
    assert detail is not None
    assert (detail.job.state, detail.job.cancel_requested) == (State.SUCCEEDED, True)


def test_a_worker_that_saw_the_wish_ends_the_job_as_cancelled_with_what_it_has(
    queue: Queue,
) -> None:
    put(queue)
    job = take_one(queue)
    queue.cancel(job.id, "ada", "enough")
    queue.finish(succeed(job, state=State.CANCELLED, reason="enough", result=b"half"))
    detail = queue.get_job(job.id, "ada")
    assert detail is not None
    assert (detail.job.state, detail.result) == (State.CANCELLED, b"half")


def test_a_job_that_does_not_exist_cannot_be_finished(queue: Queue) -> None:
    end = Finish(id="0" * 32, attempt=1, state=State.SUCCEEDED)
    assert queue.finish(end) == STALE


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING])
def test_only_an_end_can_be_a_finish(state: State) -> None:
    with pytest.raises(ValueError, match="terminal"):
        Finish(id="0" * 32, attempt=1, state=state)
