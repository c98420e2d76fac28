from preimage_queue import BatchRef, HandBackMode, Lane, Queue, State
from tests.queue.helpers import KEY, POOL, Clock, a_job, ids, put, state_of, take, take_one

OTHER = "vgg@1/conv4"


def test_a_claim_leases_the_job_and_brings_all_that_a_worker_needs(queue: Queue) -> None:
    job = a_job(slots=2, deadline_seconds=100, model="vgg", layer="conv3")
    queue.submit(job)
    (claimed,) = take(queue)
    assert (claimed.id, claimed.attempt, claimed.deliveries) == (job.id, 1, 0)
    assert (claimed.tenant, claimed.lane, claimed.slots) == ("ada", Lane.BATCH, 2)
    assert (claimed.spec, claimed.batch) == (job.spec, BatchRef(POOL, KEY))
    assert (claimed.model, claimed.layer, claimed.checkpoint_step) == ("vgg", "conv3", None)
    assert claimed.deadline_ms == claimed.created_ms + 100_000
    assert claimed.lease_ms == claimed.now_ms + 20_000
    assert state_of(queue, job.id) is State.RUNNING


def test_an_empty_queue_has_nothing_to_claim(queue: Queue) -> None:
    assert take(queue) == ()


def test_jobs_of_one_key_come_in_the_order_of_their_arrival_until_the_slots_are_full(
    queue: Queue,
) -> None:
    jobs = [put(queue) for _ in range(6)]
    assert ids(take(queue, 4)) == jobs[:4]
    assert ids(take(queue, 4, worker="w2")) == jobs[4:]


def test_an_idle_worker_fills_up_with_the_key_of_the_oldest_job(queue: Queue) -> None:
    first = put(queue, batch_key=KEY)
    put(queue, batch_key=OTHER)
    third = put(queue, batch_key=KEY)
    assert ids(take(queue)) == [first, third]


def test_a_running_batch_takes_only_its_own_key(queue: Queue) -> None:
    put(queue, batch_key=OTHER)
    mine = put(queue, batch_key=KEY)
    assert ids(take(queue, current=BatchRef(POOL, KEY))) == [mine]
    assert take(queue, current=BatchRef(POOL, KEY)) == ()


def test_a_worker_gets_no_job_of_a_pool_that_it_does_not_serve(queue: Queue) -> None:
    put(queue, pool="resnet@1")
    mine = put(queue, pool=POOL)
    assert ids(take(queue, pools=(POOL,))) == [mine]
    assert take(queue, pools=(POOL,)) == ()


def test_a_worker_of_several_pools_begins_with_the_oldest_job_of_all(queue: Queue) -> None:
    put(queue, pool="b@1", tenant="ada")
    second = put(queue, pool="a@1", tenant="ada")
    assert take_one(queue, pools=("a@1", "b@1")).batch.pool == "b@1"
    assert take_one(queue, pools=("a@1", "b@1")).id == second


def test_a_wide_job_blocks_its_key_until_it_fits_and_is_not_starved(queue: Queue) -> None:
    wide = put(queue, slots=4)
    narrow = [put(queue, slots=1) for _ in range(4)]
    assert take(queue, free=3, current=BatchRef(POOL, KEY)) == ()
    assert ids(take(queue, free=4)) == [wide]
    assert ids(take(queue, free=4)) == narrow


def test_jobs_that_no_slot_count_of_the_worker_fits_are_left_for_a_larger_one(queue: Queue) -> None:
    wide = put(queue, slots=8)
    narrow = put(queue, slots=1)
    assert ids(take(queue, 4, capacity=4)) == [narrow]
    assert ids(take(queue, 8, capacity=8, worker="large")) == [wide]


def test_a_worker_that_has_shrunk_is_not_held_up_by_what_it_can_no_longer_take(
    queue: Queue,
) -> None:
    put(queue, slots=4)
    narrow = put(queue, slots=2)
    assert ids(take(queue, free=2, capacity=4)) == [narrow]


def test_a_key_of_jobs_that_are_too_wide_does_not_hide_other_keys(queue: Queue) -> None:
    for _ in range(40):
        put(queue, slots=8, batch_key=KEY)
    other = put(queue, slots=1, batch_key=OTHER)
    assert ids(take(queue, 4, capacity=4)) == [other]


def test_a_batch_drains_once_another_key_has_waited_longer_by_more_than_the_skew(
    queue: Queue,
) -> None:
    for _ in range(9):
        put(queue, tenant="ada", cost=10.0, batch_key=KEY)
    started = take(queue, 2)
    assert [job.batch.batch_key for job in started] == [KEY, KEY]
    put(queue, tenant="bob", cost=10.0, batch_key=OTHER)  # begins at virtual time 10
    running = started[0].batch
    assert len(take(queue, 2, current=running, skew=20)) == 2, "their starts are 20 and 30"
    assert take(queue, 2, current=running, skew=20) == (), "40 is more than 20 behind 10"
    assert len(take(queue, 1, current=running, skew=100)) == 1, "a larger skew lets it go on"
    assert take(queue, 2)[0].batch.batch_key == OTHER, "an idle worker takes the oldest"


def test_a_batch_drains_for_the_other_lane_once_it_is_owed_more_than_the_skew(queue: Queue) -> None:
    for _ in range(9):
        put(queue, lane=Lane.BATCH, cost=10.0, batch_key=KEY)
    running = take_one(queue).batch
    put(queue, lane=Lane.INTERACTIVE, cost=10.0, batch_key=OTHER)
    assert len(take(queue, 1, current=running, skew=100)) == 1, "owed 8 x 10, the turn begun"
    assert take(queue, 1, current=running, skew=100) == (), "owed 8 x 20"


def test_instant_jobs_come_along_with_a_running_batch_and_without_free_slots(queue: Queue) -> None:
    instant = [put(queue, lane=Lane.INSTANT, batch_key=OTHER) for _ in range(3)]
    put(queue, batch_key=KEY)
    assert ids(take(queue, 0, current=BatchRef(POOL, KEY), instant=2)) == instant[:2]
    assert take(queue, 0, current=BatchRef(POOL, KEY), instant=0) == ()


def test_an_idle_worker_gets_instant_jobs_first_and_a_batch_too(queue: Queue) -> None:
    slow = put(queue, batch_key=KEY)
    instant = put(queue, lane=Lane.INSTANT)
    assert ids(take(queue, 4, instant=5)) == [instant, slow]


def failed(queue: Queue, **fields: object) -> str:
    """A job that has failed once and so must run alone."""
    job_id = put(queue, **fields)
    (claimed,) = take(queue, 1, instant=1)
    assert claimed.id == job_id
    queue.hand_back([(claimed.id, claimed.attempt)], HandBackMode.FAIL, reason="WORKER_ERROR")
    return job_id


def test_a_job_that_failed_runs_alone(queue: Queue) -> None:
    solo = failed(queue, batch_key=KEY)
    put(queue, batch_key=KEY)
    put(queue, lane=Lane.INSTANT)
    (claimed,) = take(queue, 4, instant=4)
    assert (claimed.id, claimed.attempt, claimed.deliveries) == (solo, 2, 1)
    assert claimed.batch.solo
    assert take(queue, 3, current=claimed.batch, instant=4) == (), "nobody joins it"


def test_a_job_that_failed_does_not_join_a_running_batch(queue: Queue) -> None:
    failed(queue, batch_key=KEY)
    assert take(queue, 4, current=BatchRef(POOL, KEY)) == ()


def test_an_instant_job_that_failed_comes_alone_and_only_to_an_idle_worker(queue: Queue) -> None:
    solo = failed(queue, lane=Lane.INSTANT)
    assert take(queue, 4, current=BatchRef(POOL, KEY), instant=4) == ()
    (claimed,) = take(queue, 4, instant=4)
    assert (claimed.id, claimed.slots, claimed.lane) == (solo, 0, Lane.INSTANT)


def test_the_same_token_gets_the_same_jobs_and_takes_no_more(queue: Queue) -> None:
    for _ in range(4):
        put(queue)
    first = take(queue, 2, token="t")
    again = take(queue, 2, token="t")
    assert [(job.id, job.attempt) for job in again] == [(job.id, job.attempt) for job in first]
    assert queue.stats().running == 2


def test_a_repeated_claim_leaves_out_the_leases_that_were_lost_since(
    queue: Queue, clock: Clock
) -> None:
    put(queue)
    put(queue)
    lost, kept = take(queue, 2, token="t")
    queue.hand_back([(lost.id, lost.attempt)], HandBackMode.SILENT)
    assert take_one(queue, worker="w2").id == lost.id
    assert ids(take(queue, 2, token="t")) == [kept.id]
    clock.pass_seconds(21)
    queue.reap()
    assert take(queue, 2, token="t") == ()


def test_a_repeated_claim_renews_its_leases(queue: Queue, clock: Clock) -> None:
    put(queue)
    take(queue, 1, token="t")
    clock.pass_seconds(15)
    take(queue, 1, token="t")
    clock.pass_seconds(15)
    assert queue.reap().count == 0


def test_an_overdue_job_is_failed_and_not_claimed(queue: Queue, clock: Clock) -> None:
    late = put(queue, deadline_seconds=5)
    fine = put(queue, deadline_seconds=50)
    clock.pass_seconds(6)
    assert ids(take(queue)) == [fine]
    detail = queue.get_job(late, "ada")
    assert detail is not None
    assert (detail.job.state, detail.job.reason) == (State.FAILED, "DEADLINE_EXCEEDED")


def test_a_record_that_somebody_outside_removed_does_not_stop_the_queue(
    queue: Queue, clock: Clock
) -> None:
    lost = [put(queue, deadline_seconds=100), put(queue)]
    running = take_one(queue)
    fine = put(queue)
    assert running.id == lost[0]
    for job_id in lost:
        queue._client.delete(f"{{preimage}}:job:{job_id}")
    assert ids(take(queue)) == [fine]
    clock.pass_seconds(200)
    assert queue.reap().requeued == (fine,)
