"""How long inputs stay: with the jobs that need them, and while somebody may still want them."""

from dataclasses import replace

import pytest
import redis

from preimage_queue import (
    BlobRef,
    HandBackMode,
    MissingBlob,
    Queue,
    QueueSettings,
    Quotas,
    Rejected,
    RequeueVerdict,
    State,
    SubmitOutcome,
    Submitted,
    blob_digest,
)
from tests.queue.helpers import Clock, a_job, names, put, stored, succeed, take_one

PICTURE = bytes(range(256)) * 4
NAME = f"{{preimage}}:blob:ada:{blob_digest(PICTURE)}"
WANTED = NAME.replace(":blob:", ":wanted:")
COMPUTATION = "0" * 64
DAY_MS = 24 * 3600_000


@pytest.fixture
def brought(queue: Queue, clock: Clock) -> str:
    """The digest of bytes that were stored for jobs which follow, some seconds ago."""
    digest = _bring(queue)
    put(queue, blobs=(digest,))
    clock.pass_seconds(3)
    return digest


def _bring(queue: Queue) -> str:
    reply = queue.put_blob("ada", PICTURE, keep_seconds=60.0)
    assert isinstance(reply, BlobRef)
    return reply.digest


def _die(queue: Queue) -> str:
    job = take_one(queue)
    queue.hand_back([(job.id, job.attempt)], HandBackMode.FATAL, reason="DIVERGED")
    return job.id


def test_jobs_keep_their_input_and_it_goes_with_the_last_of_them(
    queue: Queue, brought: str, raw: redis.Redis
) -> None:
    put(queue, blobs=(brought,))
    assert raw.pttl(NAME) == -1
    queue.finish(succeed(take_one(queue)))
    assert raw.pttl(NAME) == -1, "the second job still needs it"
    queue.finish(succeed(take_one(queue)))
    assert not raw.exists(NAME)
    assert not names(raw, "{preimage}:wanted:*")


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_however_a_job_ends_its_input_goes(
    queue: Queue, brought: str, raw: redis.Redis, state: State
) -> None:
    queue.finish(succeed(take_one(queue), state=state))
    assert not raw.exists(NAME)


def test_the_input_of_a_job_that_is_cancelled_while_it_waits_goes(
    queue: Queue, clock: Clock, raw: redis.Redis
) -> None:
    job_id = put(queue, blobs=(_bring(queue),))
    clock.pass_seconds(3)
    queue.cancel(job_id, "ada", "")
    assert not raw.exists(NAME)


def test_an_end_does_not_take_from_under_a_job_what_was_just_stored_for_it(
    queue: Queue, brought: str, clock: Clock, raw: redis.Redis
) -> None:
    _bring(queue)  # answered without being kept anew: the first job has it
    clock.pass_seconds(-600)  # or this test would have two seconds
    queue.finish(succeed(take_one(queue)))
    assert 500_000 < raw.pttl(NAME) <= 602_000
    put(queue, blobs=(brought,))
    assert raw.pttl(NAME) == -1


# Uploads


def test_an_upload_outlives_a_job_until_its_time_is_over(queue: Queue, clock: Clock) -> None:
    digest = stored(queue, PICTURE)
    for _ in range(2):
        put(queue, blobs=(digest,))
        queue.finish(succeed(take_one(queue)))
        assert queue.read_blob("ada", digest) == PICTURE
    clock.pass_seconds(3601)
    put(queue, blobs=(digest,))
    queue.finish(succeed(take_one(queue)))
    assert queue.read_blob("ada", digest) is None


def test_an_upload_that_outlives_its_job_expires_when_it_was_to(
    queue: Queue, clock: Clock, raw: redis.Redis
) -> None:
    put(queue, blobs=(stored(queue, PICTURE),))
    clock.pass_seconds(600)
    queue.finish(succeed(take_one(queue)))
    assert 2_900_000 < raw.pttl(NAME) <= 3_000_000
    assert queue.stats().queued_bytes == 0, "it waits for nobody"


def test_an_upload_of_what_a_job_brought_is_an_upload(queue: Queue, brought: str) -> None:
    stored(queue, PICTURE)
    queue.finish(succeed(take_one(queue)))
    assert queue.read_blob("ada", brought) == PICTURE


def test_an_upload_goes_with_the_deletion_of_the_job_that_came_after_it(
    queue: Queue, raw: redis.Redis
) -> None:
    put(queue, blobs=(stored(queue, PICTURE),))
    job = take_one(queue)
    queue.finish(succeed(job))
    queue.delete(job.id, "ada")
    assert not raw.exists(NAME)


def test_an_upload_for_jobs_to_come_survives_the_deletion_of_one_that_was_there(
    queue: Queue, brought: str, clock: Clock
) -> None:
    stored(queue, PICTURE)
    job = take_one(queue)
    queue.finish(succeed(job))
    queue.delete(job.id, "ada")
    assert isinstance(queue.submit(a_job(blobs=(brought,))), Submitted)


def test_an_upload_that_other_jobs_use_survives_the_deletion_of_one_of_them(
    queue: Queue,
) -> None:
    digest = stored(queue, PICTURE)
    first, second = (put(queue, blobs=(digest,)) for _ in range(2))
    queue.delete(first, "ada")
    queue.finish(succeed(take_one(queue)))
    assert queue.read_blob("ada", digest) == PICTURE
    queue.delete(second, "ada")
    assert queue.read_blob("ada", digest) is None


def test_what_is_gathered_for_a_job_stays_until_all_is_there_and_then_with_that_job(
    queue: Queue, brought: str, clock: Clock, raw: redis.Redis
) -> None:
    queue.put_blob("ada", PICTURE, keep_seconds=300.0, gathered=True)
    queue.finish(succeed(take_one(queue)))
    assert 200_000 < raw.pttl(NAME) <= 300_000
    put(queue, blobs=(brought,), gathered=True)
    queue.finish(succeed(take_one(queue)))
    assert not raw.exists(NAME)


def test_who_repeats_a_gathered_job_gathers_no_more(
    queue: Queue, brought: str, raw: redis.Redis
) -> None:
    job = a_job(blobs=(brought,), gathered=True)
    assert isinstance(queue.submit(job), Submitted)
    queue.put_blob("ada", PICTURE, keep_seconds=300.0, gathered=True)
    queue.submit(job)
    for _ in range(2):
        queue.finish(succeed(take_one(queue)))
    assert not raw.exists(NAME)


def test_what_is_gathered_goes_with_the_deletion_of_its_last_job(
    queue: Queue, brought: str, raw: redis.Redis
) -> None:
    queue.put_blob("ada", PICTURE, keep_seconds=300.0, gathered=True)
    job = take_one(queue)
    queue.finish(succeed(job))
    queue.delete(job.id, "ada")
    assert not raw.exists(NAME)


# Dead letters


def test_a_dead_letter_keeps_its_input_whatever_other_jobs_do(
    queue: Queue, brought: str, raw: redis.Redis
) -> None:
    dead = _die(queue)
    assert 6 * DAY_MS < raw.pttl(NAME) <= 7 * DAY_MS
    _bring(queue)
    assert raw.pttl(WANTED) > 6 * DAY_MS, "and does not forget it for those who come and go"
    stored(queue, PICTURE)
    assert raw.pttl(NAME) > 6 * DAY_MS
    for ends in (queue.delete, queue.cancel):
        other = put(queue, blobs=(brought,))
        ends(other, "ada", "")
        assert raw.pttl(NAME) > 6 * DAY_MS
    put(queue, blobs=(brought,))
    other = take_one(queue).id
    queue.delete(other, "ada")
    assert queue.requeue_dead(dead) is RequeueVerdict.REQUEUED


def test_what_a_dead_letter_wanted_goes_when_it_ends_well_at_last(
    queue: Queue, brought: str, raw: redis.Redis
) -> None:
    queue.requeue_dead(_die(queue))
    queue.finish(succeed(take_one(queue)))
    assert not raw.exists(NAME)


def test_what_a_dead_letter_wanted_goes_when_it_is_deleted(
    queue: Queue, brought: str, raw: redis.Redis
) -> None:
    queue.delete(_die(queue), "ada")
    assert not names(raw, f"*{brought}")


def test_what_a_dead_letter_wanted_does_not_lengthen_the_life_of_an_upload(
    queue: Queue, brought: str, raw: redis.Redis
) -> None:
    dead = _die(queue)
    _bring(queue)
    assert raw.pttl(NAME) > 6 * DAY_MS
    queue.delete(dead, "ada")
    assert 30_000 < raw.pttl(NAME) <= 60_000


def test_a_dead_follower_keeps_the_input_of_a_leader_that_was_deleted(
    queue: Queue, brought: str, clock: Clock
) -> None:
    queue.finish(succeed(take_one(queue)))
    _bring(queue)
    leader, follower = (
        put(queue, blobs=(brought,), computation=COMPUTATION, tenant="ada") for _ in range(2)
    )
    clock.pass_seconds(3)
    job = take_one(queue)
    assert job.id == leader
    queue.delete(leader, "ada")
    queue.hand_back([(job.id, job.attempt)], HandBackMode.FATAL, reason="DIVERGED")
    assert queue.read_blob("ada", brought) == PICTURE
    assert queue.requeue_dead(follower) is RequeueVerdict.REQUEUED


# Kept results


def _compute(queue: Queue, clock: Clock) -> None:
    put(queue, blobs=(_bring(queue),), computation=COMPUTATION)
    clock.pass_seconds(3)
    queue.finish(succeed(take_one(queue)))


def test_a_kept_result_is_given_whether_its_inputs_are_there_or_not(
    queue: Queue, clock: Clock, raw: redis.Redis
) -> None:
    _compute(queue, clock)
    digest = blob_digest(PICTURE)
    assert not raw.exists(NAME)
    equal = a_job(blobs=(digest,), computation=COMPUTATION)
    assert queue.submit(equal) == Submitted(SubmitOutcome.CACHED, equal.id)
    other = a_job(blobs=(digest,), computation="1" * 64)
    assert queue.submit(other) == MissingBlob(digest)
    _bring(queue)
    again = a_job(blobs=(digest,), computation=COMPUTATION)
    clock.pass_seconds(-600)  # or this test would have two seconds
    assert queue.submit(again) == Submitted(SubmitOutcome.CACHED, again.id)
    assert queue.stats().queued_bytes == 0
    assert 500_000 < raw.pttl(NAME) <= 602_000, "for others who may have stored it just now"


@pytest.mark.parametrize("quotas", [Quotas(), Quotas(bytes_queued=100)], ids=["all", "tenant"])
def test_a_kept_result_is_given_where_there_is_no_room_for_its_inputs(
    settings: QueueSettings, redis_url: str, clock: Clock, quotas: Quotas
) -> None:
    with Queue(settings) as queue:
        _compute(queue, clock)
    narrow = replace(
        settings, max_queued_bytes=settings.max_queued_bytes if quotas.bytes_queued else 100
    )
    with Queue(narrow) as queue:
        refused = queue.put_blob("ada", PICTURE, keep_seconds=60.0, quotas=quotas)
        assert isinstance(refused, Rejected)
        equal = a_job(blobs=(blob_digest(PICTURE),), computation=COMPUTATION)
        assert queue.submit(equal, quotas) == Submitted(SubmitOutcome.CACHED, equal.id)
