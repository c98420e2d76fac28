from typing import Any

import pytest

from preimage_queue import (
    Claimed,
    HandBackMode,
    HandBackVerdict,
    Queue,
    RequeueVerdict,
    State,
)
from tests.queue.helpers import Clock, put, state_of, stored, succeed, take, take_one


def give(queue: Queue, job: Claimed, mode: HandBackMode, **options: Any) -> HandBackVerdict:
    (verdict,) = queue.hand_back([(job.id, job.attempt)], mode, **options)
    return verdict


def test_a_job_handed_back_in_silence_waits_at_its_old_place_and_counts_nothing(
    queue: Queue,
) -> None:
    first, second = put(queue), put(queue)
    job = take_one(queue)
    assert give(queue, job, HandBackMode.SILENT) is HandBackVerdict.REQUEUED
    again, other = take(queue, 2)
    assert (again.id, other.id) == (first, second)
    assert (again.attempt, again.deliveries, again.batch.solo) == (2, 0, False)


def test_a_job_that_fails_three_times_is_a_dead_letter(queue: Queue) -> None:
    job_id = put(queue)
    for deliveries in range(3):
        job = take_one(queue)
        assert (job.id, job.deliveries, job.batch.solo) == (job_id, deliveries, deliveries > 0)
        (verdict,) = queue.hand_back(
            [(job.id, job.attempt)], HandBackMode.FAIL, reason="WORKER_ERROR", error=b"boom"
        )
    assert verdict is HandBackVerdict.DEAD
    detail = queue.get_job(job_id, "ada")
    assert detail is not None
    assert (detail.job.state, detail.job.reason) == (State.FAILED, "MAX_DELIVERIES")
    assert (detail.job.last_failure, detail.error) == ("WORKER_ERROR", b"boom")
    assert [dead.id for dead in queue.list_dead().jobs] == [job_id]


def test_a_fatal_job_is_a_dead_letter_at_once(queue: Queue) -> None:
    job_id = put(queue)
    job = take_one(queue)
    assert give(queue, job, HandBackMode.FATAL, reason="UNKNOWN_LAYER") is HandBackVerdict.DEAD
    detail = queue.get_job(job_id, "ada")
    assert detail is not None
    assert (detail.job.state, detail.job.reason) == (State.FAILED, "UNKNOWN_LAYER")


def test_a_batch_is_handed_back_in_one_step_with_an_answer_for_each(queue: Queue) -> None:
    for _ in range(3):
        put(queue)
    one, two, three = take(queue, 3)
    queue.finish(succeed(two))
    verdicts = queue.hand_back(
        [(one.id, one.attempt), (two.id, two.attempt), (three.id, 99)], HandBackMode.SILENT
    )
    assert verdicts == (HandBackVerdict.REQUEUED, HandBackVerdict.STALE, HandBackVerdict.STALE)


@pytest.mark.parametrize("mode", [HandBackMode.SILENT, HandBackMode.FAIL])
def test_a_job_that_shall_be_cancelled_is_not_queued_again(
    queue: Queue, mode: HandBackMode
) -> None:
    put(queue)
    job = take_one(queue)
    queue.cancel(job.id, "ada", "enough")
    assert give(queue, job, mode) is HandBackVerdict.CANCELLED
    assert state_of(queue, job.id) is State.CANCELLED
    assert queue.stats().queued == 0


def test_a_failed_job_whose_deadline_has_passed_is_not_queued_again(
    queue: Queue, clock: Clock
) -> None:
    put(queue, deadline_seconds=5)
    job = take_one(queue)
    clock.pass_seconds(6)
    assert give(queue, job, HandBackMode.FAIL) is HandBackVerdict.EXPIRED
    detail = queue.get_job(job.id, "ada")
    assert detail is not None
    assert (detail.job.state, detail.job.reason) == (State.FAILED, "DEADLINE_EXCEEDED")


def test_the_first_of_two_answers_to_the_same_hand_back_stays(queue: Queue) -> None:
    put(queue)
    job = take_one(queue)
    for _ in range(2):
        assert give(queue, job, HandBackMode.FAIL) is HandBackVerdict.REQUEUED
    again = take_one(queue)
    assert again.deliveries == 1
    assert give(queue, job, HandBackMode.FAIL) is HandBackVerdict.REQUEUED
    assert give(queue, job, HandBackMode.SILENT) is HandBackVerdict.STALE


def test_an_operator_can_try_a_dead_letter_again(queue: Queue) -> None:
    job_id = put(queue, deadline_seconds=3600)
    give(queue, take_one(queue), HandBackMode.FATAL, reason="UNKNOWN_LAYER")
    assert queue.requeue_dead(job_id) is RequeueVerdict.REQUEUED
    assert queue.requeue_dead(job_id) is RequeueVerdict.REQUEUED, "a lost answer"
    assert queue.list_dead().jobs == ()
    job = take_one(queue)
    assert (job.id, job.attempt, job.deliveries, job.deadline_ms) == (job_id, 2, 0, None)
    assert job.batch.solo
    queue.finish(succeed(job))
    assert state_of(queue, job_id) is State.SUCCEEDED
    assert queue.requeue_dead(job_id) is RequeueVerdict.NOT_FOUND


def test_a_dead_letter_whose_blob_is_gone_stays_dead(queue: Queue) -> None:
    digest = stored(queue, b"picture")
    job_id = put(queue, blobs=(digest,))
    give(queue, take_one(queue), HandBackMode.FATAL)
    queue._client.delete(f"{{preimage}}:blob:ada:{digest}")
    assert queue.requeue_dead(job_id) is RequeueVerdict.MISSING_BLOB
    assert state_of(queue, job_id) is State.FAILED


@pytest.mark.parametrize("cursor", ["x", "1", "-inf " + "0" * 32, "1 x"])
def test_a_place_among_the_dead_letters_that_is_none_is_refused(queue: Queue, cursor: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        queue.list_dead(cursor=cursor)


def test_dead_letters_are_listed_newest_first_and_in_pages(queue: Queue, clock: Clock) -> None:
    expected = []
    for number in range(7):
        expected.append(put(queue))
        give(queue, take_one(queue), HandBackMode.FATAL)
        if number % 2:
            clock.pass_seconds(1)
    expected.reverse()
    seen: list[str] = []
    cursor = ""
    while True:
        page = queue.list_dead(limit=2, cursor=cursor)
        seen += [job.id for job in page.jobs]
        cursor = page.next_cursor
        if not cursor:
            break
    assert seen == expected
