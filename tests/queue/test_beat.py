from preimage_queue import Beat, BeatReply, BeatVerdict, HandBackMode, Queue
from tests.queue.helpers import Clock, put, take, take_one


def test_a_beat_renews_the_leases_of_a_whole_batch(queue: Queue, clock: Clock) -> None:
    for _ in range(3):
        put(queue)
    batch = take(queue, 3)
    for step in (10, 20, 30):
        clock.pass_seconds(15)
        replies = queue.beat("w1", [Beat(job.id, job.attempt, step) for job in batch])
        assert replies == tuple(BeatReply(job.id, BeatVerdict.OK) for job in batch)
        assert queue.reap().count == 0
    clock.pass_seconds(21)
    assert queue.reap().count == 3


def test_a_beat_shows_how_far_the_job_is(queue: Queue) -> None:
    put(queue)
    job = take_one(queue)
    queue.beat("w1", [Beat(job.id, job.attempt, 70)])
    detail = queue.get_job(job.id, "ada")
    assert detail is not None
    assert (detail.job.step, detail.job.worker) == (70, "w1")


def test_a_beat_for_a_job_that_another_attempt_holds_is_lost_and_renews_nothing(
    queue: Queue, clock: Clock
) -> None:
    put(queue)
    old = take_one(queue, worker="w1")
    queue.hand_back([(old.id, old.attempt)], HandBackMode.SILENT)
    new = take_one(queue, worker="w2")
    clock.pass_seconds(15)
    assert queue.beat("w1", [Beat(old.id, old.attempt, 1, b"late")]) == (
        BeatReply(old.id, BeatVerdict.LOST),
    )
    page = queue.read_events(old.id, "ada")
    assert page is not None
    assert all(event.payload != b"late" for event in page.events)
    clock.pass_seconds(6)
    assert queue.reap().requeued == (new.id,)


def test_a_beat_for_a_job_that_does_not_exist_is_lost(queue: Queue) -> None:
    assert queue.beat("w1", [Beat("0" * 32, 1, 1)])[0].verdict is BeatVerdict.LOST


def test_an_empty_beat_is_answered_with_nothing(queue: Queue) -> None:
    assert queue.beat("w1", []) == ()


def test_a_lease_that_ran_out_but_was_not_reaped_is_renewed(queue: Queue, clock: Clock) -> None:
    put(queue)
    job = take_one(queue)
    clock.pass_seconds(100)
    assert queue.beat("w1", [Beat(job.id, job.attempt, 1)])[0].verdict is BeatVerdict.OK
    assert queue.reap().count == 0


def test_a_wish_to_cancel_comes_back_with_the_beat_and_keeps_the_lease(
    queue: Queue, clock: Clock
) -> None:
    put(queue)
    job = take_one(queue)
    queue.cancel(job.id, "ada", "enough")
    clock.pass_seconds(15)
    (reply,) = queue.beat("w1", [Beat(job.id, job.attempt, 5)])
    assert reply == BeatReply(job.id, BeatVerdict.CANCEL, "enough")
    clock.pass_seconds(15)
    assert queue.reap().count == 0
