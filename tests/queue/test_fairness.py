"""Shares of tenants and lanes. Deterministic: the virtual clock is in the scripts, not in time."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from preimage_queue import BatchRef, Lane, Queue, QueueSettings
from tests.queue.helpers import KEY, put, succeed, take, take_one


def serve(queue: Queue, count: int, who: Callable[[str, Lane], str]) -> Counter[str]:
    """Claim and finish one job at a time; counts what `who` calls them."""
    seen: Counter[str] = Counter()
    for _ in range(count):
        job = take_one(queue)
        queue.finish(succeed(job))
        seen[who(job.tenant, job.lane)] += 1
    return seen


def by_tenant(tenant: str, lane: Lane) -> str:
    return tenant


def by_lane(tenant: str, lane: Lane) -> str:
    return lane


def test_a_tenant_with_one_job_does_not_wait_behind_another_tenants_hundred(queue: Queue) -> None:
    for _ in range(100):
        put(queue, tenant="ada")
    late = put(queue, tenant="bob")
    assert late in {take_one(queue).id for _ in range(2)}


def test_equal_tenants_get_equal_work_however_much_they_ask_for(queue: Queue) -> None:
    for _ in range(90):
        put(queue, tenant="ada")
    for _ in range(30):
        put(queue, tenant="bob")
    assert serve(queue, 40, by_tenant) == {"ada": 20, "bob": 20}


def test_a_tenant_pays_by_cost_and_not_by_count(queue: Queue) -> None:
    for _ in range(40):
        put(queue, tenant="ada", cost=30.0)
        put(queue, tenant="bob", cost=10.0)
    assert serve(queue, 40, by_tenant) == {"ada": 10, "bob": 30}


def test_a_tenant_of_weight_three_gets_three_shares(queue: Queue) -> None:
    for _ in range(40):
        put(queue, tenant="ada", weight=3.0)
        put(queue, tenant="bob", weight=1.0)
    assert serve(queue, 40, by_tenant) == {"ada": 30, "bob": 10}


def test_a_tenant_saves_up_nothing_while_it_asks_for_nothing(queue: Queue) -> None:
    for _ in range(60):
        put(queue, tenant="ada")
    serve(queue, 30, by_tenant)
    for _ in range(30):
        put(queue, tenant="bob")
    counts = serve(queue, 20, by_tenant)
    assert abs(counts["ada"] - counts["bob"]) <= 1


def test_a_busy_period_that_is_over_is_forgotten(queue: Queue) -> None:
    for _ in range(20):
        put(queue, tenant="ada")
    serve(queue, 20, by_tenant)
    for _ in range(10):
        put(queue, tenant="ada")
        put(queue, tenant="bob")
    assert serve(queue, 10, by_tenant) == {"ada": 5, "bob": 5}


def test_interactive_gets_eight_slots_for_each_one_of_batch_while_both_wait(queue: Queue) -> None:
    for lane in (Lane.BATCH, Lane.INTERACTIVE):
        for _ in range(90):
            put(queue, lane=lane)
    assert serve(queue, 90, by_lane) == {Lane.INTERACTIVE: 80, Lane.BATCH: 10}


def test_the_lanes_weights_are_settings(settings: QueueSettings, queue: Queue) -> None:
    for lane in (Lane.BATCH, Lane.INTERACTIVE):
        for _ in range(30):
            put(queue, lane=lane)
    even = QueueSettings(url=settings.url, interactive_weight=1.0, batch_weight=1.0)
    with Queue(even) as other:
        assert serve(other, 20, by_lane) == {Lane.INTERACTIVE: 10, Lane.BATCH: 10}


def test_a_lane_saves_up_no_turns_while_it_is_empty(queue: Queue) -> None:
    for _ in range(60):
        put(queue, lane=Lane.BATCH)
    serve(queue, 40, by_lane)
    for _ in range(40):
        put(queue, lane=Lane.INTERACTIVE)
    counts = serve(queue, 18, by_lane)
    assert counts == {Lane.INTERACTIVE: 17, Lane.BATCH: 1}, "batch pays for its last job, no more"


def test_both_lanes_share_within_one_batch_key_too(queue: Queue) -> None:
    for lane in (Lane.BATCH, Lane.INTERACTIVE):
        for _ in range(30):
            put(queue, lane=lane, batch_key=KEY)
    lanes = Counter(job.lane for job in take(queue, 18, capacity=18))
    assert lanes == {Lane.INTERACTIVE: 16, Lane.BATCH: 2}


def test_of_jobs_with_equal_claims_the_older_goes_first_whatever_its_key(queue: Queue) -> None:
    jobs = [
        put(queue, tenant=f"t{number}", batch_key=key)
        for number, key in enumerate(("zeta", "alpha", "midway"))
    ]
    assert [take_one(queue).id for _ in jobs] == jobs


@dataclass
class Slots:
    """A worker that runs jobs for as many rounds as they cost, and claims at every round."""

    queue: Queue
    capacity: int
    running: dict[str, list[int]] = field(default_factory=dict)
    batch: BatchRef | None = None

    def round(self, skew: float) -> list[str]:
        """One iteration boundary; returns the batch keys of the jobs that began."""
        free = self.capacity - sum(slots for _, _, slots in self.running.values())
        current = self.batch if self.running else None
        claimed = take(self.queue, free, capacity=self.capacity, current=current, skew=skew)
        for job in claimed:
            self.batch = job.batch
            self.running[job.id] = [int(job.cost), job.attempt, job.slots]
        for job in claimed:
            self.queue.finish(succeed(job))
        for job_id in list(self.running):
            self.running[job_id][0] -= 1
            if self.running[job_id][0] <= 0:
                del self.running[job_id]
        return [job.batch.batch_key for job in claimed]


@pytest.mark.parametrize("skew", [5.0, 40.0])
def test_a_stream_of_one_key_holds_up_another_key_for_a_bounded_time(
    queue: Queue, skew: float
) -> None:
    worker = Slots(queue, capacity=4)
    for _ in range(8):
        put(queue, tenant="ada", cost=2.0, batch_key="stream")
    worker.round(skew)
    put(queue, tenant="bob", cost=2.0, batch_key="other")
    begun: list[str] = []
    while "other" not in begun:
        for _ in range(4):
            put(queue, tenant="ada", cost=2.0, batch_key="stream")
        begun += worker.round(skew)
    assert len(begun) <= skew / 2.0 + worker.capacity + 1
