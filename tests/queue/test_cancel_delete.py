import redis

from preimage_queue import (
    CancelReply,
    CancelVerdict,
    DeleteVerdict,
    Queue,
    Rejected,
    State,
    SubmitOutcome,
    Submitted,
)
from tests.queue.helpers import a_job, kind, names, put, state_of, stored, succeed, take, take_one


def test_a_queued_job_is_cancelled_at_once(queue: Queue) -> None:
    job_id = put(queue)
    reply = queue.cancel(job_id, "ada", "changed my mind")
    assert reply == CancelReply(CancelVerdict.CANCELLED, State.CANCELLED)
    assert take(queue) == ()
    detail = queue.get_job(job_id, "ada")
    assert detail is not None
    assert (detail.job.state, detail.job.reason) == (State.CANCELLED, "changed my mind")


def test_a_running_job_is_asked_to_stop(queue: Queue) -> None:
    put(queue)
    job = take_one(queue)
    expected = CancelReply(CancelVerdict.REQUESTED, State.RUNNING)
    assert queue.cancel(job.id, "ada", "first reason") == expected
    assert queue.cancel(job.id, "ada", "second reason") == expected
    detail = queue.get_job(job.id, "ada")
    assert detail is not None
    assert (detail.job.cancel_requested, detail.job.cancel_reason) == (True, "first reason")


def test_a_job_that_has_ended_stays_as_it_is(queue: Queue) -> None:
    put(queue)
    job = take_one(queue)
    queue.finish(succeed(job))
    reply = queue.cancel(job.id, "ada", "too late")
    assert reply == CancelReply(CancelVerdict.ENDED, State.SUCCEEDED)


def test_another_tenants_job_cannot_be_seen_cancelled_or_deleted(queue: Queue) -> None:
    job_id = put(queue, tenant="ada")
    assert queue.cancel(job_id, "bob", "") == CancelReply(CancelVerdict.NOT_FOUND, None)
    assert queue.delete(job_id, "bob") is DeleteVerdict.NOT_FOUND
    assert queue.get_job(job_id, "bob") is None
    assert queue.read_events(job_id, "bob") is None
    assert state_of(queue, job_id) is State.QUEUED


def test_the_head_of_a_key_can_be_cancelled_and_the_next_job_moves_up(queue: Queue) -> None:
    first, second = put(queue), put(queue)
    queue.cancel(first, "ada", "")
    assert take_one(queue).id == second


def test_deleting_a_job_leaves_nothing_of_it(queue: Queue, raw: redis.Redis) -> None:
    digest = stored(queue, b"picture")
    put(queue, blobs=(digest,))
    job = take_one(queue)
    queue.put_checkpoint(job.id, job.attempt, 5, b"half")
    queue.put_output(job.id, job.attempt, "picture.png", b"png")
    queue.put_output(job.id, job.attempt, "left-over", b"never named")
    queue.finish(succeed(job, outputs=("picture.png",)))
    assert queue.delete(job.id, "ada") is DeleteVerdict.DELETED
    left = set(map(kind, names(raw)))
    assert left <= {"deleted", "claim", "turns", "spent", "present"}
    assert queue.delete(job.id, "ada") is DeleteVerdict.NOT_FOUND


def test_a_queued_job_can_be_deleted(queue: Queue, raw: redis.Redis) -> None:
    job_id = put(queue)
    assert queue.delete(job_id, "ada") is DeleteVerdict.DELETED
    assert set(map(kind, names(raw))) == {"deleted", "present"}


def test_a_running_job_vanishes_when_it_ends(queue: Queue, raw: redis.Redis) -> None:
    put(queue)
    job = take_one(queue)
    assert queue.delete(job.id, "ada") is DeleteVerdict.SCHEDULED
    assert state_of(queue, job.id) is State.RUNNING
    queue.finish(succeed(job, state=State.CANCELLED))
    assert queue.get_job(job.id, "ada") is None
    assert set(map(kind, names(raw))) <= {"claim", "turns", "spent", "present"}


def test_a_blob_that_another_job_needs_survives_a_deletion(queue: Queue) -> None:
    digest = stored(queue, b"picture")
    one, _ = put(queue, blobs=(digest,)), put(queue, blobs=(digest,))
    queue.delete(one, "ada")
    assert queue.read_blob("ada", digest) == b"picture"


def test_a_blob_that_was_stored_again_for_a_job_to_come_survives_a_deletion(queue: Queue) -> None:
    digest = stored(queue, b"picture")
    put(queue, blobs=(digest,))
    job = take_one(queue)
    queue.finish(succeed(job))
    again = queue.put_blob("ada", b"picture")
    assert not isinstance(again, Rejected)
    queue.delete(job.id, "ada")
    put(queue, blobs=(digest,))


def test_a_request_id_is_free_again_after_its_job_was_deleted(queue: Queue) -> None:
    first = a_job(request_id="mine")
    queue.submit(first)
    queue.delete(first.id, "ada")
    second = a_job(request_id="mine", fingerprint="other")
    assert queue.submit(second) == Submitted(SubmitOutcome.CREATED, second.id)
