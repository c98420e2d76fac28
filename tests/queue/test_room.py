"""A look whether a job would be refused: before anything of it is stored, and by the same rules."""

from typing import Any

import pytest

from preimage_queue import (
    Claimed,
    Lane,
    NewJob,
    Prospect,
    Queue,
    QueueSettings,
    Quotas,
    Rejected,
    RejectReason,
    State,
    Submitted,
    WorkerNotice,
    blob_digest,
)
from tests.queue.helpers import POOL, Clock, a_job, put, quick, stored, succeed, take

DIGEST = "0" * 64
INPUT = bytes(500)


def prospect(**changes: Any) -> Prospect:
    """Of a job like `a_job`."""
    fields: dict[str, Any] = {"tenant": "ada", "lane": Lane.BATCH, "slots": 1, "pool": POOL}
    return Prospect(**(fields | changes))


def announce(queue: Queue, rate: float = 0.0, slots: int = 4) -> None:
    queue.announce(
        WorkerNotice(name="w1", slots=slots, cost_per_second=rate, pools=(POOL,), models=())
    )


def room_and_submit(
    queue: Queue, looked: Prospect, job: NewJob, quotas: Quotas
) -> tuple[Rejected, Rejected]:
    """What the look says, and what happens to who does not look."""
    before = queue.room(looked, quotas)
    after = queue.submit(job, quotas)
    assert before is not None
    assert isinstance(after, Rejected)
    return before, after


@pytest.mark.parametrize(
    ("limit", "quotas", "reason"),
    [
        ({"max_queued_jobs": 1}, Quotas(), RejectReason.QUEUED_JOBS),
        ({"max_queued_bytes": 400}, Quotas(), RejectReason.QUEUED_BYTES),
        ({"max_queued_jobs_per_tenant": 1}, Quotas(), RejectReason.TENANT_JOBS),
        ({}, Quotas(jobs_queued=1), RejectReason.TENANT_JOBS),
        ({}, Quotas(bytes_queued=400), RejectReason.TENANT_BYTES),
    ],
)
def test_it_says_what_submitting_would(
    redis_url: str, limit: dict[str, int], quotas: Quotas, reason: RejectReason
) -> None:
    with Queue(quick(redis_url, **limit)) as queue:
        assert queue.room(prospect(), quotas) is None
        put(queue, spec=b"")
        looked, job = prospect(size_bytes=500), a_job(spec=bytes(500))
        before, after = room_and_submit(queue, looked, job, quotas)
        assert before == after
        assert before.reason is reason


def test_it_knows_spent_slot_seconds_wide_jobs_and_deadlines_too(
    queue: Queue, clock: Clock
) -> None:
    announce(queue, rate=1.0)
    wide = room_and_submit(queue, prospect(slots=5), a_job(slots=5), Quotas())
    put(queue, cost=100.0)
    late = room_and_submit(
        queue, prospect(deadline_seconds=2.0), a_job(deadline_seconds=2.0), Quotas()
    )
    (job,) = take(queue, 1)
    clock.pass_seconds(10)
    queue.finish(succeed(job))
    spent = room_and_submit(queue, prospect(), a_job(), Quotas(slot_seconds=10))
    for before, after in (wide, late, spent):
        assert (before.reason, before.limit) == (after.reason, after.limit)
    assert [before.reason for before, _ in (wide, late, spent)] == [
        RejectReason.TOO_WIDE,
        RejectReason.DEADLINE_UNATTAINABLE,
        RejectReason.SLOT_SECONDS,
    ]


@pytest.fixture
def full(settings: QueueSettings, redis_url: str) -> Queue:
    """A queue that takes one job."""
    return Queue(quick(redis_url, max_queued_jobs=1))


def test_a_request_that_has_a_job_is_let_through(full: Queue) -> None:
    job = a_job()
    assert isinstance(full.submit(job), Submitted)
    assert full.room(prospect()) is not None
    assert full.room(prospect(request_id="another")) is not None
    assert full.room(prospect(request_id=job.request_id)) is None
    assert full.room(prospect(tenant="bob", request_id=job.request_id)) is not None


def test_inputs_of_a_job_are_let_through_if_its_run_or_its_result_would_do(full: Queue) -> None:
    digest = stored(full, INPUT)
    put(full, blobs=(digest,), computation=DIGEST)
    equal, other = prospect(blobs=(digest,), shares=True), prospect(blobs=(DIGEST,), shares=True)
    assert full.room(equal) is None
    assert full.room(other) is not None
    assert full.room(prospect(blobs=(digest,))) is not None
    assert full.room(prospect(blobs=(digest, DIGEST), shares=True)) is not None
    assert full.room(prospect(tenant="bob", blobs=(digest,), shares=True)) is not None
    ended: tuple[Claimed, ...] = take(full, 1)
    full.finish(succeed(ended[0]))
    put(full)
    assert full.room(equal) is None
    full.delete(ended[0].id, "ada")
    assert full.room(equal) is not None


def test_inputs_of_several_kept_results_are_let_through_until_the_last_is_deleted(
    full: Queue,
) -> None:
    digest = stored(full, INPUT)
    ended = []
    for computation in ("0" * 64, "1" * 64):
        put(full, blobs=(digest,), computation=computation)
        (job,) = take(full, 1)
        full.finish(succeed(job))
        ended.append(job.id)
    put(full)
    for job_id, room in zip(ended, (True, False), strict=True):
        full.delete(job_id, "ada")
        looked = full.room(prospect(blobs=(digest,), shares=True))
        assert (looked is None) == room


def test_inputs_that_led_to_no_result_let_nobody_through(full: Queue) -> None:
    digest = stored(full, INPUT)
    put(full, blobs=(digest,), computation=DIGEST)
    full.finish(succeed(take(full, 1)[0], state=State.FAILED))
    put(full)
    assert full.room(prospect(blobs=(digest,), shares=True)) is not None


def test_an_upload_that_no_job_has_used_lets_nobody_through(full: Queue) -> None:
    digest = stored(full, INPUT)
    put(full)
    assert full.room(prospect(blobs=(digest,), shares=True)) is not None


def test_only_digests_can_be_asked_about() -> None:
    assert Prospect(tenant="ada", lane=Lane.BATCH, slots=1, blobs=(blob_digest(b"x"),)).blobs
    with pytest.raises(ValueError, match="blobs must be sha256 digests"):
        prospect(blobs=("a,b",))
