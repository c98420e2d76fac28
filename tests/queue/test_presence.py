"""Slots that a worker keeps for tenants who will be back. It has eight, and keeps two at most."""

import pytest
import redis

from preimage_queue import BatchRef, Lane, Queue
from tests.queue.helpers import KEY, POOL, Clock, names, put, quick, succeed, take

BATCH = BatchRef(POOL, KEY)
SLOTS = 8


def has_come(queue: Queue, *tenants: str, **changes: object) -> None:
    """Tenants have had a job each, and wait for nothing."""
    for tenant in tenants:
        put(queue, tenant=tenant, **changes)
        (job,) = take(queue, 1, worker="other", capacity=SLOTS)
        queue.finish(succeed(job))


def taken(queue: Queue, free: int, held: dict[str, int]) -> list[str]:
    """Whose jobs a worker gets whose batch is running."""
    jobs = take(queue, free, capacity=SLOTS, current=BATCH, held=held)
    return [job.tenant for job in jobs]


def put_many(queue: Queue, tenant: str, count: int = 20, slots: int = 1) -> None:
    for _ in range(count):
        put(queue, tenant=tenant, slots=slots)


def test_a_tenant_that_is_alone_has_every_slot(queue: Queue) -> None:
    put_many(queue, "ada")
    assert len(take(queue, SLOTS, capacity=SLOTS)) == SLOTS


def test_a_slot_stays_free_for_each_other_tenant_that_came_lately(queue: Queue) -> None:
    has_come(queue, "bob", "eve")
    put_many(queue, "ada")
    assert len(take(queue, SLOTS, capacity=SLOTS)) == SLOTS - 2
    assert taken(queue, 2, {"ada": 6}) == []
    put(queue, tenant="bob")
    assert taken(queue, 2, {"ada": 6}) == ["bob"]
    assert taken(queue, 1, {"ada": 6, "bob": 1}) == []
    put(queue, tenant="eve")
    assert taken(queue, 1, {"ada": 6, "bob": 1}) == ["eve"]


def test_no_more_than_a_part_of_the_slots_is_kept_however_many_came(queue: Queue) -> None:
    has_come(queue, *(f"t{number}" for number in range(6)))
    put_many(queue, "ada")
    assert len(take(queue, SLOTS, capacity=SLOTS)) == SLOTS - 2


def test_how_much_is_kept_is_a_setting(redis_url: str) -> None:
    with Queue(quick(redis_url, kept_share=0.0)) as queue:
        has_come(queue, "bob", "eve")
        put_many(queue, "ada")
        assert len(take(queue, SLOTS, capacity=SLOTS)) == SLOTS


def test_after_a_minute_nothing_is_kept_for_who_did_not_come_back(
    queue: Queue, clock: Clock
) -> None:
    has_come(queue, "bob")
    put_many(queue, "ada")
    clock.pass_seconds(59)
    assert len(taken(queue, SLOTS, {})) == SLOTS - 1
    clock.pass_seconds(2)
    assert taken(queue, 1, {"ada": 7}) == ["ada"]


def test_nothing_is_kept_for_who_holds_a_full_share_already(queue: Queue) -> None:
    put_many(queue, "bob")
    put_many(queue, "ada")
    assert sorted(taken(queue, 2, {"ada": 3, "bob": 3})) == ["ada", "bob"]
    assert taken(queue, 1, {"ada": 3, "bob": 4}) != []


def test_who_leaves_all_others_room_is_not_kept_back_above_an_equal_share(queue: Queue) -> None:
    has_come(queue, "bob", "eve")
    put_many(queue, "ada")
    assert taken(queue, 1, {"ada": 3, "bob": 2, "eve": 2}) == []
    assert taken(queue, 1, {"ada": 3, "bob": 1, "eve": 1}) == ["ada"]


def test_who_holds_most_leaves_a_slot_even_to_who_has_an_equal_share(queue: Queue) -> None:
    has_come(queue, "bob", "eve")
    put_many(queue, "ada")
    assert taken(queue, 1, {"ada": 4, "bob": 3, "eve": 0}) == []


def test_within_its_share_nobody_is_kept_back(queue: Queue) -> None:
    has_come(queue, "bob", "eve")
    put_many(queue, "ada")
    assert taken(queue, 1, {"ada": 1, "zoe": 6}) == ["ada"]


def test_a_job_as_wide_as_the_worker_gets_its_turn_and_no_narrow_one_overtakes_it(
    queue: Queue,
) -> None:
    has_come(queue, "bob")
    wide = put(queue, tenant="ada", slots=SLOTS)
    put_many(queue, "ada")
    assert taken(queue, 6, {"ada": 2}) == []
    assert taken(queue, 7, {"bob": 1}) == []
    (job,) = take(queue, SLOTS, capacity=SLOTS)
    assert job.id == wide


def test_who_is_kept_back_holds_up_nobody_behind(queue: Queue) -> None:
    put_many(queue, "ada")
    put_many(queue, "bob", count=1)
    assert taken(queue, 1, {"ada": 7}) == ["bob"]


@pytest.mark.parametrize("changes", [{"batch_key": "vgg@1/conv4"}, {"lane": Lane.INSTANT}])
def test_who_came_with_what_the_batch_cannot_take_has_no_slot_in_it(
    queue: Queue, changes: dict[str, object]
) -> None:
    put(queue, tenant="bob", **changes)
    put_many(queue, "ada")
    assert len(taken(queue, SLOTS, {})) == SLOTS


def test_whoever_came_is_forgotten_with_the_key(
    queue: Queue, raw: redis.Redis, clock: Clock
) -> None:
    has_come(queue, "bob", "eve")
    (name,) = names(raw, "*present*")
    assert 0 < raw.pttl(name) <= 60_000  # type: ignore[operator]  # a synchronous client
    clock.pass_seconds(61)
    put_many(queue, "ada", count=1)
    taken(queue, 1, {})
    assert raw.zrange(name, 0, -1) == ["ada"]
