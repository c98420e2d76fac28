"""Quotas of a tenant: jobs, bytes and slot-seconds, checked in the step that would exceed them."""

import pytest
import redis

from preimage_queue import (
    Claimed,
    HandBackMode,
    Queue,
    Quotas,
    Rejected,
    RejectReason,
    State,
    Submitted,
)
from tests.queue.helpers import Clock, a_job, put, stored, succeed, take

HOUR_SECONDS = 3600


def refused(reply: object) -> Rejected:
    assert isinstance(reply, Rejected)
    return reply


def use(queue: Queue, clock: Clock, seconds: int, slots: int = 1, tenant: str = "ada") -> None:
    """Let a tenant's job run so long."""
    put(queue, tenant=tenant, slots=slots)
    (job,) = take(queue, slots)
    clock.pass_seconds(seconds)
    queue.finish(succeed(job))


def test_jobs_that_wait_are_bounded_by_the_tenants_own_number(queue: Queue) -> None:
    quotas = Quotas(jobs_queued=1)
    assert isinstance(queue.submit(a_job(), quotas), Submitted)
    reply = refused(queue.submit(a_job(), quotas))
    assert (reply.reason, reply.limit) == (RejectReason.TENANT_JOBS, 1)
    assert isinstance(queue.submit(a_job(tenant="bob"), quotas), Submitted)
    take(queue, 1)
    assert isinstance(queue.submit(a_job(), quotas), Submitted)


def test_bytes_are_those_of_specs_blobs_and_idle_uploads(queue: Queue) -> None:
    quotas = Quotas(bytes_queued=1000)
    digest = stored(queue, bytes(600))
    assert isinstance(queue.submit(a_job(spec=bytes(300), blobs=(digest,)), quotas), Submitted)
    reply = refused(queue.submit(a_job(spec=bytes(101)), quotas))
    assert (reply.reason, reply.limit) == (RejectReason.TENANT_BYTES, 1000)
    reply = refused(queue.put_blob("ada", bytes(101), quotas=quotas))
    assert (reply.reason, reply.limit) == (RejectReason.TENANT_BYTES, 1000)
    assert not isinstance(queue.put_blob("ada", bytes(100), quotas=quotas), Rejected)
    assert not isinstance(queue.put_blob("bob", bytes(1000), quotas=quotas), Rejected)
    assert isinstance(queue.submit(a_job(tenant="eve", spec=bytes(999)), quotas), Submitted)


def test_bytes_are_free_again_when_the_job_runs_and_when_an_upload_expires(
    queue: Queue, clock: Clock
) -> None:
    quotas = Quotas(bytes_queued=100)
    assert isinstance(queue.submit(a_job(spec=bytes(100)), quotas), Submitted)
    refused(queue.submit(a_job(spec=bytes(1)), quotas))
    (job,) = take(queue, 1)
    assert not isinstance(queue.put_blob("ada", bytes(100), quotas=quotas), Rejected)
    queue.finish(succeed(job))
    refused(queue.submit(a_job(spec=bytes(1)), quotas))
    clock.pass_seconds(HOUR_SECONDS + 1)
    queue.reap()
    assert isinstance(queue.submit(a_job(spec=bytes(1)), quotas), Submitted)


@pytest.mark.parametrize("slots", [1, 4])
def test_slot_seconds_are_slots_times_the_run(queue: Queue, clock: Clock, slots: int) -> None:
    use(queue, clock, seconds=30, slots=slots)
    reply = refused(queue.submit(a_job(), Quotas(slot_seconds=30 * slots)))
    assert (reply.reason, reply.limit) == (RejectReason.SLOT_SECONDS, 30_000 * slots)
    assert isinstance(queue.submit(a_job(), Quotas(slot_seconds=30 * slots + 10)), Submitted)


def test_a_job_that_only_waits_for_others_uses_no_slot_seconds(
    queue: Queue, clock: Clock, raw: redis.Redis
) -> None:
    put(queue, metered=False)
    (job,) = take(queue, 1)
    clock.pass_seconds(5)
    queue.hand_back([(job.id, job.attempt)], HandBackMode.SILENT)
    (job,) = take(queue, 1)
    clock.pass_seconds(5)
    queue.finish(succeed(job))
    assert not raw.exists("{preimage}:spent:ada")
    assert isinstance(queue.submit(a_job(), Quotas(slot_seconds=1)), Submitted)


def test_what_was_used_is_the_tenants_own(queue: Queue, clock: Clock) -> None:
    use(queue, clock, seconds=30)
    assert isinstance(queue.submit(a_job(tenant="bob"), Quotas(slot_seconds=1)), Submitted)


def test_waiting_costs_nothing(queue: Queue, clock: Clock) -> None:
    put(queue)
    clock.pass_seconds(600)
    assert isinstance(queue.submit(a_job(), Quotas(slot_seconds=1)), Submitted)


def test_an_hour_later_it_is_forgotten_and_the_delay_says_when(queue: Queue, clock: Clock) -> None:
    quotas = Quotas(slot_seconds=100)
    use(queue, clock, seconds=60)
    clock.pass_seconds(1200)
    use(queue, clock, seconds=60)
    reply = refused(queue.submit(a_job(), quotas))
    wait_seconds = reply.retry_after_ms / 1000
    assert HOUR_SECONDS - 1260 - 60 <= wait_seconds <= HOUR_SECONDS - 1260 + 60, "of the first run"
    clock.pass_seconds(int(wait_seconds) + 1)
    assert isinstance(queue.submit(a_job(), quotas), Submitted)


def test_a_tenant_without_slot_seconds_is_told_to_come_back_in_an_hour(queue: Queue) -> None:
    reply = refused(queue.submit(a_job(), Quotas(slot_seconds=0)))
    assert reply.retry_after_ms == HOUR_SECONDS * 1000


def _failed(queue: Queue, job: Claimed) -> None:
    queue.hand_back([(job.id, job.attempt)], HandBackMode.FAIL, reason="X")


def _handed_back(queue: Queue, job: Claimed) -> None:
    queue.hand_back([(job.id, job.attempt)], HandBackMode.SILENT)


def _lost(queue: Queue, job: Claimed) -> None:
    assert queue.reap().requeued == (job.id,)


def _cancelled(queue: Queue, job: Claimed) -> None:
    queue.cancel(job.id, "ada", "")
    queue.finish(succeed(job, state=State.CANCELLED))


@pytest.mark.parametrize("end", [_failed, _handed_back, _lost, _cancelled])
def test_every_end_of_an_attempt_is_counted_once(
    queue: Queue, clock: Clock, raw: redis.Redis, end: object
) -> None:
    put(queue)
    (job,) = take(queue, 1)
    clock.pass_seconds(30)
    assert callable(end)
    end(queue, job)
    queue.reap()
    used = sum(int(each) for each in raw.hvals("{preimage}:spent:ada"))
    assert 30_000 <= used < 40_000


def test_a_request_that_was_accepted_before_is_answered_whatever_was_used(
    queue: Queue, clock: Clock
) -> None:
    job = a_job()
    queue.submit(job)
    use(queue, clock, seconds=100, tenant="ada")
    again = queue.submit(job, Quotas(jobs_queued=0, slot_seconds=1))
    assert isinstance(again, Submitted)


def test_a_result_that_is_there_already_costs_nothing(queue: Queue, clock: Clock) -> None:
    put(queue, computation="ab" * 32)
    (job,) = take(queue, 1)
    clock.pass_seconds(60)
    queue.finish(succeed(job))
    reply = queue.submit(a_job(computation="ab" * 32), Quotas(slot_seconds=1))
    assert isinstance(reply, Submitted)
