"""A result that is there is given to equal jobs: whose, for how long, and what deleting means."""

from dataclasses import replace

import pytest
import redis

from preimage_queue import (
    Claimed,
    Finish,
    JobDetail,
    Lane,
    Queue,
    QueueSettings,
    State,
    SubmitOutcome,
    Submitted,
    new_id,
)
from tests.queue import helpers
from tests.queue.helpers import Clock, a_job, kind, names, put, stored, succeed, take, take_one

SAME = "c" * 64


def finished(queue: Queue, **changes: object) -> Claimed:
    """A job that a worker has done."""
    put(queue, **{"computation": SAME, **changes})
    job = take_one(queue)
    end(queue, job)
    return job


def end(queue: Queue, job: Claimed, *, keep: bool = True) -> None:
    queue.put_output(job.id, job.attempt, "0/picture.png", b"picture of %d" % int(job.id, 16))
    queue.finish(succeed(job, outputs=("0/picture.png",), result=b"numbers", keep=keep))


def submitted(queue: Queue, **changes: object) -> Submitted:
    reply = queue.submit(a_job(**{"computation": SAME, **changes}))
    assert isinstance(reply, Submitted)
    return reply


def detail(queue: Queue, job_id: str, tenant: str = "ada") -> JobDetail:
    found = queue.get_job(job_id, tenant)
    assert found is not None
    return found


def picture(queue: Queue, job_id: str) -> bytes | None:
    chunk = queue.read_output(job_id, "ada", "0/picture.png")
    return chunk and chunk.data


def test_an_equal_job_ends_with_the_result_as_soon_as_it_is_submitted(queue: Queue) -> None:
    first = finished(queue)
    reply = submitted(queue)
    assert reply.outcome is SubmitOutcome.CACHED
    found = detail(queue, reply.job_id)
    assert (found.job.state, found.result) == (State.SUCCEEDED, b"numbers")
    assert (found.job.origin, found.job.cached, found.job.attempt) == (first.id, True, 0)
    assert picture(queue, reply.job_id) == picture(queue, first.id)
    assert take(queue) == ()


def test_outputs_are_stored_once_however_many_jobs_have_them(
    queue: Queue, raw: redis.Redis
) -> None:
    finished(queue)
    for _ in range(5):
        submitted(queue)
    assert len(names(raw, "*:output:*")) == 1


def test_the_same_submit_again_gets_the_same_answer(queue: Queue) -> None:
    finished(queue)
    job = a_job(computation=SAME)
    assert queue.submit(job) == queue.submit(job) == Submitted(SubmitOutcome.CACHED, job.id)
    again = replace(job, id=new_id())
    assert queue.submit(again) == Submitted(SubmitOutcome.EXISTING, job.id)


@pytest.mark.parametrize("first_goes_first", [True, False])
def test_outputs_go_with_the_last_job_that_has_them(
    queue: Queue, raw: redis.Redis, *, first_goes_first: bool
) -> None:
    jobs = [finished(queue).id, submitted(queue).job_id, submitted(queue).job_id]
    expected = picture(queue, jobs[0])
    for job_id in jobs if first_goes_first else jobs[::-1]:
        assert picture(queue, job_id) == expected
        queue.delete(job_id, "ada")
    assert {kind(name) for name in names(raw)} <= {"deleted", "claim", "turns", "spent", "present"}


def test_a_result_stands_on_when_the_job_that_computed_it_is_deleted(queue: Queue) -> None:
    first = finished(queue)
    second = submitted(queue).job_id
    queue.delete(first.id, "ada")
    third = submitted(queue)
    assert third.outcome is SubmitOutcome.CACHED
    assert detail(queue, third.job_id).job.origin == first.id
    for job_id in (second, third.job_id):
        queue.delete(job_id, "ada")
    assert submitted(queue).outcome is SubmitOutcome.CREATED


def test_a_result_is_given_for_so_long_after_its_run(settings: QueueSettings, clock: Clock) -> None:
    with Queue(replace(settings, cache_seconds=600)) as queue:
        finished(queue)
        clock.pass_seconds(500)
        assert submitted(queue).outcome is SubmitOutcome.CACHED
        clock.pass_seconds(200)
        assert submitted(queue).outcome is SubmitOutcome.CREATED


def test_each_job_keeps_the_result_for_its_own_time(queue: Queue, clock: Clock) -> None:
    hours = 3600.0
    first = finished(queue)
    clock.pass_seconds(23 * hours)
    second = submitted(queue).job_id
    clock.pass_seconds(2 * hours)
    queue.reap()
    assert queue.get_job(first.id, "ada") is None
    assert picture(queue, second)
    assert submitted(queue).outcome is SubmitOutcome.CREATED


def test_no_tenant_gets_the_result_of_another(queue: Queue) -> None:
    finished(queue)
    assert submitted(queue, tenant="bob").outcome is SubmitOutcome.CREATED


def test_what_is_not_to_be_kept_is_computed_again(queue: Queue) -> None:
    put(queue, computation=SAME)
    end(queue, take_one(queue), keep=False)
    assert submitted(queue).outcome is SubmitOutcome.CREATED


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_no_other_end_is_given_to_later_jobs(queue: Queue, state: State) -> None:
    put(queue, computation=SAME)
    job = take_one(queue)
    queue.finish(Finish(id=job.id, attempt=job.attempt, state=state))
    assert submitted(queue).outcome is SubmitOutcome.CREATED


def test_a_refreshing_job_runs_and_its_result_takes_over(queue: Queue) -> None:
    finished(queue)
    reply = submitted(queue, refresh=True)
    assert reply.outcome is SubmitOutcome.CREATED
    end(queue, take_one(queue))
    assert detail(queue, submitted(queue).job_id).job.origin == reply.job_id


def test_jobs_without_a_computation_share_nothing(queue: Queue) -> None:
    finished(queue, computation="")
    assert submitted(queue, computation="").outcome is SubmitOutcome.CREATED


def test_switched_off_nothing_is_shared(settings: QueueSettings) -> None:
    with Queue(replace(settings, cache_seconds=0)) as queue:
        finished(queue)
        outcomes = {submitted(queue).outcome for _ in range(2)}
    assert outcomes == {SubmitOutcome.CREATED}


def test_a_job_with_a_deadline_has_a_result_that_is_there(queue: Queue) -> None:
    finished(queue)
    assert submitted(queue, deadline_seconds=0.5).outcome is SubmitOutcome.CACHED


def test_a_full_queue_still_gives_results(settings: QueueSettings) -> None:
    with Queue(replace(settings, max_queued_jobs=1)) as queue:
        finished(queue)
        put(queue)
        assert submitted(queue).outcome is SubmitOutcome.CACHED


def test_the_blobs_of_a_job_with_a_kept_result_do_not_count_as_waiting(queue: Queue) -> None:
    digest = stored(queue, b"code")
    finished(queue, blobs=(digest,))
    stored(queue, b"code")
    submitted(queue, blobs=(digest,), lane=Lane.INTERACTIVE)
    assert queue.stats().queued_bytes == 0


def test_a_result_whose_output_was_lost_is_not_given(queue: Queue, raw: redis.Redis) -> None:
    finished(queue)
    raw.delete(*names(raw, "*:output:*"))
    assert submitted(queue).outcome is SubmitOutcome.CREATED


def test_everything_expires_by_itself(queue: Queue, raw: redis.Redis) -> None:
    finished(queue)
    submitted(queue)
    for name in names(raw):
        if kind(name) in ("cached", "holders", "output", "job", "events", "request"):
            assert raw.pttl(name) > 0, name
    assert helpers.state_of(queue, submitted(queue).job_id) is State.SUCCEEDED
