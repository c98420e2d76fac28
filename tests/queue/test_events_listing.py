from dataclasses import replace

import pytest

from preimage_queue import Beat, HandBackMode, Lane, Queue, QueueSettings, State
from tests.queue.helpers import Clock, put, succeed, take, take_one


def test_events_tell_the_life_of_a_job_in_order(queue: Queue) -> None:
    job_id = put(queue)
    first = take_one(queue)
    queue.beat("w1", [Beat(job_id, 1, 10, b"a"), Beat(job_id, 1, 20, b"b")])
    queue.hand_back([(job_id, first.attempt)], HandBackMode.FAIL, reason="WORKER_ERROR")
    second = take_one(queue)
    queue.beat("w1", [Beat(job_id, 2, 10, b"c")])
    queue.finish(succeed(second, state=State.FAILED, reason="DIVERGED"))
    page = queue.read_events(job_id, "ada")
    assert page is not None
    assert [(event.state, event.attempt, event.payload) for event in page.events] == [
        (State.QUEUED, 0, b""),
        (State.RUNNING, 1, b""),
        (None, 1, b"a"),
        (None, 1, b"b"),
        (State.QUEUED, 1, b""),
        (State.RUNNING, 2, b""),
        (None, 2, b"c"),
        (State.FAILED, 2, b""),
    ]
    assert page.events[-1].reason == "DIVERGED"
    assert (page.job.state, page.more) == (State.FAILED, False)


def test_a_reading_resumes_after_the_last_event_that_was_seen(queue: Queue) -> None:
    job_id = put(queue)
    take_one(queue)
    seen = []
    after = ""
    for step in range(1, 8):
        queue.beat("w1", [Beat(job_id, 1, step, b"%d" % step)])
        page = queue.read_events(job_id, "ada", after=after, count=2)
        assert page is not None
        seen += [event.payload for event in page.events if event.state is None]
        after = page.next_after
        assert page.more == (len(page.events) == 2)
    page = queue.read_events(job_id, "ada", after=after)
    assert page is not None
    seen += [event.payload for event in page.events]
    assert seen == [b"1", b"2", b"3", b"4", b"5", b"6", b"7"]
    empty = queue.read_events(job_id, "ada", after=page.next_after)
    assert empty is not None
    assert (empty.events, empty.next_after) == ((), page.next_after)


def test_a_beat_that_is_sent_twice_brings_its_event_once(queue: Queue) -> None:
    job_id = put(queue)
    take_one(queue)
    for _ in range(2):
        queue.beat("w1", [Beat(job_id, 1, 0, b"first look")])
    page = queue.read_events(job_id, "ada")
    assert page is not None
    assert [event.payload for event in page.events if event.state is None] == [b"first look"]


def test_old_events_give_way_to_new_ones(settings: QueueSettings) -> None:
    with Queue(replace(settings, max_events=50)) as queue:
        job_id = put(queue)
        take_one(queue)
        for step in range(600):
            queue.beat("w1", [Beat(job_id, 1, step, b"x")])
        page = queue.read_events(job_id, "ada", count=1000)
        assert page is not None
        assert 50 <= len(page.events) <= 200, "Redis trims by whole nodes of a hundred"
        assert page.events[-1].step == 599


@pytest.mark.parametrize("after", ["x", "1", "1-", "(1-1", "1-1 "])
def test_a_place_to_resume_that_is_none_is_refused(queue: Queue, after: str) -> None:
    with pytest.raises(ValueError, match="after"):
        queue.read_events("0" * 32, "ada", after=after)


def test_a_tenants_jobs_are_listed_newest_first_in_pages(queue: Queue) -> None:
    jobs = [put(queue) for _ in range(7)]
    take(queue, 2)
    put(queue, tenant="bob")
    seen: list[str] = []
    cursor = ""
    for size in (3, 3, 1):
        page = queue.list_jobs("ada", limit=3, cursor=cursor)
        assert len(page.jobs) == size
        assert (page.total, page.by_state) == (7, {State.QUEUED: 5, State.RUNNING: 2})
        seen += [job.id for job in page.jobs]
        cursor = page.next_cursor
    assert cursor == ""
    assert seen == jobs[::-1]


def test_a_listing_can_be_filtered_by_state(queue: Queue) -> None:
    for _ in range(4):
        put(queue)
    one, two = take(queue, 2)
    queue.finish(succeed(one))
    page = queue.list_jobs("ada", states=[State.RUNNING, State.SUCCEEDED])
    assert [job.id for job in page.jobs] == [two.id, one.id]


def test_figures_of_the_queue_add_up(queue: Queue, clock: Clock) -> None:
    put(queue, pool="a@1", cost=2.5, spec=bytes(10))
    put(queue, pool="a@1", lane=Lane.INTERACTIVE, cost=1.5, spec=bytes(20))
    put(queue, pool="b@1", lane=Lane.INSTANT, cost=0.25, spec=bytes(30))
    clock.pass_seconds(100)
    put(queue, pool="c@1")
    take_one(queue, pools=("c@1",))
    stats = queue.stats()
    assert (stats.queued, stats.running, stats.dead) == (3, 1, 0)
    assert stats.queued_by_lane == {Lane.BATCH: 1, Lane.INTERACTIVE: 1, Lane.INSTANT: 1}
    assert stats.queued_by_pool == {"a@1": 2, "b@1": 1}
    assert stats.queued_cost_by_pool == {"a@1": 4.0, "b@1": 0.25}
    assert stats.queued_bytes == 60
    ages = stats.oldest_queued_seconds
    assert set(ages) == {Lane.BATCH, Lane.INTERACTIVE, Lane.INSTANT}
    assert all(100 <= age < 130 for age in ages.values())
    assert stats.memory_used_bytes > 0
    assert stats.redis_version.count(".") == 2
