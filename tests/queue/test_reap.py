from preimage_queue import HandBackMode, Queue, Reaped, State
from tests.queue.helpers import Clock, put, state_of, succeed, take, take_one


def nothing(**found: tuple[str, ...]) -> Reaped:
    names = ("requeued", "dead", "cancelled", "deadline_exceeded", "forgotten")
    return Reaped(**{name: found.get(name, ()) for name in names})


def test_a_dead_workers_jobs_are_queued_again_each_to_run_alone(queue: Queue, clock: Clock) -> None:
    jobs = tuple(put(queue) for _ in range(3))
    take(queue, 3)
    clock.pass_seconds(21)
    assert queue.reap() == nothing(requeued=jobs)
    assert queue.reap() == nothing()
    for expected in jobs:
        (job,) = take(queue, 4)
        assert (job.id, job.attempt, job.deliveries) == (expected, 2, 1)
        assert job.batch.solo


def test_a_poison_job_ends_as_failed_alone(queue: Queue, clock: Clock) -> None:
    poison, mate = put(queue), put(queue)
    take(queue, 2)
    clock.pass_seconds(21)
    queue.reap()
    for _ in range(2):
        assert take_one(queue).id == poison
        clock.pass_seconds(21)
        found = queue.reap()
    assert found == nothing(dead=(poison,))
    (job,) = take(queue)
    assert (job.id, job.deliveries) == (mate, 1)
    queue.finish(succeed(job))
    detail = queue.get_job(poison, "ada")
    assert detail is not None
    assert (detail.job.state, detail.job.reason) == (State.FAILED, "MAX_DELIVERIES")
    assert detail.job.last_failure == "LEASE_EXPIRED"
    assert state_of(queue, mate) is State.SUCCEEDED


def test_a_queued_job_fails_when_its_deadline_passes(queue: Queue, clock: Clock) -> None:
    late, fine = put(queue, deadline_seconds=5), put(queue, deadline_seconds=50)
    clock.pass_seconds(6)
    assert queue.reap() == nothing(deadline_exceeded=(late,))
    assert (state_of(queue, late), state_of(queue, fine)) == (State.FAILED, State.QUEUED)


def test_a_running_jobs_deadline_is_its_workers_affair_while_the_lease_holds(
    queue: Queue, clock: Clock
) -> None:
    put(queue, deadline_seconds=5)
    job = take_one(queue)
    clock.pass_seconds(6)
    assert queue.reap() == nothing()
    clock.pass_seconds(20)
    assert queue.reap() == nothing(deadline_exceeded=(job.id,))


def test_a_dead_workers_job_that_shall_be_cancelled_ends_cancelled(
    queue: Queue, clock: Clock
) -> None:
    put(queue)
    job = take_one(queue)
    queue.cancel(job.id, "ada", "enough")
    clock.pass_seconds(21)
    assert queue.reap() == nothing(cancelled=(job.id,))


def test_the_reaper_touches_no_more_than_it_was_told(queue: Queue, clock: Clock) -> None:
    for _ in range(5):
        put(queue)
    take(queue, 5, capacity=5)
    clock.pass_seconds(21)
    counts = [queue.reap(limit=2).count for _ in range(4)]
    assert counts == [2, 2, 1, 0]


def test_an_ended_job_is_forgotten_when_its_retention_is_over(queue: Queue, clock: Clock) -> None:
    put(queue)
    job = take_one(queue)
    queue.finish(succeed(job))
    clock.pass_seconds(24 * 3600 - 60)
    assert queue.reap() == nothing()
    clock.pass_seconds(61)
    assert queue.reap() == nothing(forgotten=(job.id,))
    assert queue.get_job(job.id, "ada") is None
    assert queue.list_jobs("ada").total == 0


def test_a_dead_letter_is_kept_longer(queue: Queue, clock: Clock) -> None:
    put(queue)
    job = take_one(queue)
    queue.hand_back([(job.id, job.attempt)], HandBackMode.FATAL)
    clock.pass_seconds(24 * 3600 + 60)
    assert queue.reap() == nothing()
    clock.pass_seconds(6 * 24 * 3600)
    assert queue.reap() == nothing(forgotten=(job.id,))
    assert queue.list_dead().jobs == ()


def test_a_job_that_redis_forgot_first_leaves_nothing_behind(queue: Queue, clock: Clock) -> None:
    put(queue)
    job = take_one(queue)
    queue.hand_back([(job.id, job.attempt)], HandBackMode.FATAL)
    queue._client.delete(f"{{preimage}}:job:{job.id}")
    assert queue.list_dead().jobs == ()
    clock.pass_seconds(8 * 24 * 3600)
    assert queue.reap().forgotten == (job.id,)
    assert queue.list_jobs("ada").total == 0
