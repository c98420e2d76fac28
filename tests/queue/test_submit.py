from dataclasses import replace
from typing import Any

import pytest

from preimage_queue import (
    Conflict,
    Lane,
    MissingBlob,
    Queue,
    QueueSettings,
    Rejected,
    RejectReason,
    State,
    SubmitOutcome,
    Submitted,
    WorkerNotice,
    new_id,
)
from tests.queue.helpers import POOL, Clock, a_job, put, state_of, take


def test_a_new_job_is_queued_under_the_id_that_its_producer_chose(queue: Queue) -> None:
    job = a_job(model="vgg", layer="conv3")
    assert queue.submit(job) == Submitted(SubmitOutcome.CREATED, job.id)
    detail = queue.get_job(job.id, "ada")
    assert detail is not None
    assert detail.spec == job.spec
    assert (detail.job.state, detail.job.attempt, detail.job.deliveries) == (State.QUEUED, 0, 0)
    assert (detail.job.model, detail.job.layer, detail.job.cost) == ("vgg", "conv3", 10.0)


def test_the_same_request_with_the_same_content_leads_to_the_first_job(queue: Queue) -> None:
    first = a_job()
    queue.submit(first)
    again = queue.submit(replace(first, id=new_id()))
    assert again == Submitted(SubmitOutcome.EXISTING, first.id)
    assert queue.stats().queued == 1


def test_the_same_request_with_other_content_is_a_conflict(queue: Queue) -> None:
    first = a_job()
    queue.submit(first)
    assert queue.submit(replace(first, id=new_id(), fingerprint="other")) == Conflict(first.id)


def test_requests_of_two_tenants_never_meet(queue: Queue) -> None:
    first = a_job(tenant="ada")
    second = replace(first, tenant="bob", id=new_id(), fingerprint="other")
    queue.submit(first)
    assert queue.submit(second) == Submitted(SubmitOutcome.CREATED, second.id)


def test_a_request_stays_known_after_its_job_has_ended(queue: Queue) -> None:
    first = a_job()
    queue.submit(first)
    queue.cancel(first.id, "ada", "changed my mind")
    assert queue.submit(replace(first, id=new_id())) == Submitted(SubmitOutcome.EXISTING, first.id)


def test_a_job_that_needs_an_unknown_blob_is_refused_with_its_digest(queue: Queue) -> None:
    digest = "ab" * 32
    assert queue.submit(a_job(blobs=(digest,))) == MissingBlob(digest)
    assert queue.stats().queued == 0


def test_a_blob_of_another_tenant_is_as_good_as_none(queue: Queue) -> None:
    ref = queue.put_blob("bob", b"secret")
    assert not isinstance(ref, Rejected)
    assert queue.submit(a_job(tenant="ada", blobs=(ref.digest,))) == MissingBlob(ref.digest)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"max_queued_jobs": 2}, RejectReason.QUEUED_JOBS),
        ({"max_queued_jobs_per_tenant": 2}, RejectReason.TENANT_JOBS),
        ({"max_queued_bytes": 299}, RejectReason.QUEUED_BYTES),
    ],
)
def test_a_queue_at_its_limit_says_which_and_when_to_come_back(
    settings: QueueSettings, limits: dict[str, Any], reason: RejectReason
) -> None:
    with Queue(replace(settings, **limits)) as queue:
        put(queue, spec=bytes(100))
        put(queue, spec=bytes(100))
        reply = queue.submit(a_job(spec=bytes(100)))
        assert isinstance(reply, Rejected)
        assert reply.reason is reason
        assert reply.limit in limits.values()
        assert 1000 <= reply.retry_after_ms <= 60000
        take(queue, 1)
        put(queue, spec=bytes(100))


def test_one_tenants_limit_does_not_bind_another(settings: QueueSettings) -> None:
    with Queue(replace(settings, max_queued_jobs_per_tenant=1)) as queue:
        put(queue, tenant="ada")
        assert isinstance(queue.submit(a_job(tenant="ada")), Rejected)
        put(queue, tenant="bob")


def test_a_blob_counts_once_as_an_upload_and_then_with_each_job_that_uses_it(queue: Queue) -> None:
    ref = queue.put_blob("ada", bytes(1000))
    assert not isinstance(ref, Rejected)
    assert queue.stats().queued_bytes == 1000
    for expected in (1010, 2020):
        put(queue, spec=bytes(10), blobs=(ref.digest,))
        assert queue.stats().queued_bytes == expected


def announce(queue: Queue, slots: int, rate: float, name: str = "w1") -> None:
    queue.announce(WorkerNotice(name=name, slots=slots, cost_per_second=rate, pools=(POOL,)))


def test_a_deadline_is_unattainable_when_more_work_waits_than_fits_before_it(queue: Queue) -> None:
    announce(queue, slots=4, rate=2.0)
    for _ in range(10):
        put(queue, cost=10.0)
    reply = queue.submit(a_job(deadline_seconds=40))
    assert isinstance(reply, Rejected)
    assert reply.reason is RejectReason.DEADLINE_UNATTAINABLE
    assert reply.limit == 50_000, "100 units of cost at 2 a second"
    assert reply.retry_after_ms == 10_000
    put(queue, deadline_seconds=60)


def test_an_interactive_job_does_not_wait_for_the_whole_batch_lane(queue: Queue) -> None:
    announce(queue, slots=4, rate=2.0)
    for _ in range(10):
        put(queue, cost=10.0)
    put(queue, lane=Lane.INTERACTIVE, cost=8.0, deadline_seconds=1)
    reply = queue.submit(a_job(lane=Lane.INTERACTIVE, deadline_seconds=4))
    assert isinstance(reply, Rejected)
    assert reply.limit == 4500, "8 units before it, at 8/9 of 2 a second"


def test_a_deadline_is_accepted_when_nobody_knows_how_fast_the_workers_are(queue: Queue) -> None:
    announce(queue, slots=4, rate=0.0)
    for _ in range(10):
        put(queue, cost=1e6)
    put(queue, deadline_seconds=0.001)


def test_workers_that_have_gone_do_not_count(queue: Queue, clock: Clock) -> None:
    announce(queue, slots=4, rate=2.0)
    put(queue, cost=1000.0)
    clock.pass_seconds(16)
    put(queue, deadline_seconds=1, slots=64)


def test_a_job_wider_than_every_live_worker_is_refused(queue: Queue) -> None:
    announce(queue, slots=4, rate=2.0)
    announce(queue, slots=8, rate=2.0, name="w2")
    put(queue, slots=8)
    reply = queue.submit(a_job(slots=9))
    assert reply == Rejected(RejectReason.TOO_WIDE, 0, 8)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tenant", "a:b"),
        ("tenant", ""),
        ("id", "short"),
        ("pool", "a|b"),
        ("batch_key", "k#solo#1"),
        ("request_id", ""),
        ("request_id", "x" * 513),
        ("cost", 0.0),
        ("cost", float("nan")),
        ("cost", float("inf")),
        ("weight", -1.0),
        ("slots", -1),
        ("slots", 0),
        ("blobs", ("xyz",)),
        ("blobs", ("ab" * 32, "ab" * 32)),
        ("deadline_seconds", 0.0),
    ],
)
def test_a_field_that_breaks_its_rule_is_refused_before_anything_is_sent(
    field: str, value: object
) -> None:
    with pytest.raises(ValueError, match=r"."):
        a_job(**{field: value})


def test_every_byte_of_a_spec_comes_back(queue: Queue) -> None:
    spec = bytes(range(256)) * 5
    job_id = put(queue, spec=spec)
    (claimed,) = take(queue)
    assert (claimed.id, claimed.spec) == (job_id, spec)
    assert state_of(queue, job_id) is State.RUNNING
