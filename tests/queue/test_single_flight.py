"""Equal jobs that wait or run at the same time are one run, and nobody is lost by that."""

import time

import pytest
import redis

from preimage_queue import (
    Beat,
    BeatVerdict,
    CancelVerdict,
    DeleteVerdict,
    Finish,
    HandBackMode,
    Job,
    Lane,
    Queue,
    QueueSettings,
    Rejected,
    RequeueVerdict,
    State,
    SubmitOutcome,
    Submitted,
    WorkerNotice,
)
from tests.queue.helpers import (
    POOL,
    Clock,
    a_job,
    ids,
    kind,
    names,
    put,
    state_of,
    succeed,
    take,
    take_one,
)

SAME = "c" * 64
MOST_FOLLOWERS = 256
PATIENCE_SECONDS = 30.0


def twin(queue: Queue, **changes: object) -> str:
    return put(queue, **{"computation": SAME, **changes})


def job_of(queue: Queue, job_id: str) -> Job:
    found = queue.get_job(job_id, "ada")
    assert found is not None
    return found.job


def told(queue: Queue, job_id: str, events: int, count: int) -> list[State | bytes | None]:
    """So many events, read bit by bit. The newest is told only after its millisecond."""
    seen: list[State | bytes | None] = []
    after = ""
    limit = time.monotonic() + PATIENCE_SECONDS
    while len(seen) < events:
        assert time.monotonic() < limit, seen
        page = queue.read_events(job_id, "ada", after, count)
        assert page is not None
        seen += [event.payload or event.state for event in page.events]
        after = page.next_after
    return seen


def states(queue: Queue, *jobs: str) -> list[State]:
    return [state_of(queue, job_id) for job_id in jobs]


def test_a_follower_takes_no_place_and_ends_with_its_leader(queue: Queue) -> None:
    leader = twin(queue)
    reply = queue.submit(a_job(computation=SAME))
    assert isinstance(reply, Submitted)
    assert reply.outcome is SubmitOutcome.SHARED
    assert queue.stats().queued == 1
    (job,) = take(queue)
    assert states(queue, leader, reply.job_id) == [State.RUNNING, State.RUNNING]
    queue.put_output(job.id, job.attempt, "0/picture.png", b"picture")
    queue.finish(succeed(job, result=b"numbers", outputs=("0/picture.png",)))
    found = queue.get_job(reply.job_id, "ada")
    assert found is not None
    assert (found.job.state, found.result) == (State.SUCCEEDED, b"numbers")
    assert (found.job.origin, found.job.cached, found.job.attempt) == (leader, False, 1)
    queue.delete(leader, "ada")
    chunk = queue.read_output(reply.job_id, "ada", "0/picture.png")
    assert chunk is not None
    assert chunk.data == b"picture"


def test_a_follower_shows_the_progress_of_the_run(queue: Queue) -> None:
    twin(queue)
    follower = twin(queue)
    job = take_one(queue)
    for step in (3, 5):
        time.sleep(0.002)  # two streams: what comes in one millisecond has no order
        queue.beat("w1", [Beat(job.id, job.attempt, step, b"at %d" % step)])
    assert (job_of(queue, follower).step, job_of(queue, follower).attempt) == (5, 1)
    assert job_of(queue, follower).worker == "w1"
    detail = queue.get_job(follower, "ada")
    assert detail is not None
    assert detail.event == b"at 5"
    assert told(queue, follower, 4, count=100) == [State.QUEUED, State.RUNNING, b"at 3", b"at 5"]


def test_a_follower_s_events_can_be_read_one_by_one(queue: Queue) -> None:
    twin(queue)
    follower = twin(queue)
    job = take_one(queue)
    queue.beat("w1", [Beat(job.id, job.attempt, 3, b"at 3")])
    time.sleep(0.002)  # two streams: what comes in one millisecond has no order
    queue.hand_back([(job.id, job.attempt)], HandBackMode.SILENT)
    job = take_one(queue)
    time.sleep(0.002)
    queue.beat("w1", [Beat(job.id, job.attempt, 5, b"at 5")])
    assert told(queue, follower, 6, count=1) == [
        State.QUEUED,
        State.RUNNING,
        b"at 3",
        State.QUEUED,
        State.RUNNING,
        b"at 5",
    ]


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("how", ["cancel", "delete"])
def test_followers_go_on_without_a_leader_that_is_not_wanted(
    queue: Queue, how: str, *, running: bool
) -> None:
    leader, second, third = twin(queue), twin(queue), twin(queue)
    claimed = take(queue) if running else ()
    if how == "cancel":
        queue.cancel(leader, "ada", "enough")
    else:
        queue.delete(leader, "ada")
    for job in claimed:
        (reply,) = queue.beat("w1", [Beat(job.id, job.attempt, 1)])
        assert reply.verdict is BeatVerdict.CANCEL
        queue.finish(Finish(id=job.id, attempt=job.attempt, state=State.CANCELLED))
    (promoted,) = take(queue)
    assert promoted.id == second
    queue.finish(succeed(promoted))
    assert states(queue, second, third) == [State.SUCCEEDED, State.SUCCEEDED]
    assert (job_of(queue, second).origin, job_of(queue, third).origin) == ("", second)


@pytest.mark.parametrize("running", [True, False])
def test_a_follower_that_is_cancelled_ends_at_once_and_alone(
    queue: Queue, *, running: bool
) -> None:
    leader, follower = twin(queue), twin(queue)
    claimed = take(queue) if running else ()
    assert queue.cancel(follower, "ada", "enough").verdict is CancelVerdict.CANCELLED
    assert queue.cancel(follower, "ada", "enough").verdict is CancelVerdict.CANCELLED
    assert job_of(queue, follower).reason == "enough"
    assert queue.delete(follower, "ada") is DeleteVerdict.DELETED
    for job in claimed or take(queue):
        queue.finish(succeed(job))
    assert state_of(queue, leader) is State.SUCCEEDED


def test_nobody_follows_a_leader_that_is_about_to_be_cancelled(queue: Queue) -> None:
    leader = twin(queue)
    take(queue)
    queue.cancel(leader, "ada", "enough")
    newcomer = twin(queue)
    assert ids(take(queue)) == [newcomer]


def test_a_failure_of_the_run_is_everybodys(queue: Queue) -> None:
    _, follower = twin(queue), twin(queue)
    job = take_one(queue)
    end = Finish(
        id=job.id, attempt=job.attempt, state=State.FAILED, error=b"why", reason="DIVERGED"
    )
    queue.finish(end)
    detail = queue.get_job(follower, "ada")
    assert detail is not None
    assert (detail.job.state, detail.job.reason, detail.error) == (State.FAILED, "DIVERGED", b"why")
    assert take(queue) == ()


def test_a_lost_worker_costs_followers_nothing_but_time(queue: Queue, clock: Clock) -> None:
    leader, follower = twin(queue), twin(queue)
    late = take_one(queue)
    clock.pass_seconds(60)
    queue.reap()
    assert states(queue, leader, follower) == [State.QUEUED, State.QUEUED]
    job = take_one(queue)
    queue.finish(succeed(job, result=b"new"))
    queue.finish(succeed(late, result=b"late"))
    detail = queue.get_job(follower, "ada")
    assert detail is not None
    assert detail.result == b"new"


def test_poison_is_poison_for_all_and_each_can_be_tried_again(queue: Queue) -> None:
    leader, follower = twin(queue), twin(queue)
    for _ in range(3):
        job = take_one(queue)
        queue.hand_back([(job.id, job.attempt)], HandBackMode.FAIL, reason="CRASHED")
    assert [job_of(queue, each).reason for each in (leader, follower)] == ["MAX_DELIVERIES"] * 2
    assert {job.id for job in queue.list_dead().jobs} == {leader, follower}
    assert queue.requeue_dead(follower) is RequeueVerdict.REQUEUED
    queue.finish(succeed(take_one(queue)))
    assert states(queue, leader, follower) == [State.FAILED, State.SUCCEEDED]
    assert job_of(queue, follower).origin == ""


def test_deliveries_are_counted_over_a_leader_s_end(queue: Queue) -> None:
    leader, follower = twin(queue), twin(queue)
    for _ in range(2):
        job = take_one(queue)
        queue.hand_back([(job.id, job.attempt)], HandBackMode.FAIL, reason="CRASHED")
    queue.cancel(leader, "ada", "enough")
    assert (job_of(queue, follower).deliveries, job_of(queue, follower).solo) == (2, True)


def test_a_job_with_a_deadline_runs_by_itself(queue: Queue) -> None:
    plain = twin(queue)
    hasty = twin(queue, deadline_seconds=60.0)
    assert set(ids(take(queue))) == {plain, hasty}
    also = twin(queue)
    assert job_of(queue, also).follows == plain


def test_the_lane_batch_does_not_hold_up_who_waits(queue: Queue) -> None:
    slow, second = twin(queue), twin(queue)
    fast = twin(queue, lane=Lane.INTERACTIVE)
    assert [job_of(queue, each).follows for each in (slow, second, fast)] == [fast, fast, ""]
    assert queue.stats().queued_by_lane == {Lane.INTERACTIVE: 1}
    (job,) = take(queue)
    queue.finish(succeed(job))
    assert states(queue, slow, second, fast) == [State.SUCCEEDED] * 3


def test_who_waits_goes_on_when_a_batch_job_returns_to_the_queue(queue: Queue) -> None:
    slow = twin(queue)
    job = take_one(queue)
    fast, also_slow = twin(queue, lane=Lane.INTERACTIVE), twin(queue)
    assert job_of(queue, fast).follows == slow
    queue.hand_back([(job.id, job.attempt)], HandBackMode.SILENT)
    assert [job_of(queue, each).follows for each in (slow, fast, also_slow)] == ["", "", slow]
    assert set(ids(take(queue))) == {slow, fast}


def test_a_refreshing_job_follows_nobody_and_is_followed(queue: Queue) -> None:
    first = twin(queue)
    fresh = twin(queue, refresh=True)
    assert job_of(queue, twin(queue)).follows == fresh
    assert set(ids(take(queue))) == {first, fresh}


def test_a_leader_has_so_many_followers_and_the_next_leads_anew(queue: Queue) -> None:
    first = twin(queue)
    for _ in range(MOST_FOLLOWERS):
        last = twin(queue)
    assert job_of(queue, last).follows == first
    second = twin(queue)
    assert job_of(queue, twin(queue)).follows == second
    assert job_of(queue, second).follows == ""
    for job in take(queue):
        queue.finish(succeed(job))
    page = queue.list_jobs("ada", limit=1000, states=[State.SUCCEEDED])
    assert len(page.jobs) == MOST_FOLLOWERS + 3


def test_tenants_do_not_share_a_run(queue: Queue) -> None:
    mine, other = twin(queue), twin(queue, tenant="bob")
    assert set(ids(take(queue))) == {mine, other}


def test_followers_that_wait_count_among_the_tenants_waiting_jobs(redis_url: str) -> None:
    settings = QueueSettings(url=redis_url, max_queued_jobs_per_tenant=2)
    with Queue(settings) as queue:
        twin(queue)
        twin(queue)
        reply = queue.submit(a_job(computation=SAME))
        assert isinstance(reply, Rejected)
        assert queue.list_jobs("ada").by_state[State.QUEUED] == 2


def test_nothing_is_left_when_all_are_forgotten(
    queue: Queue, raw: redis.Redis, clock: Clock
) -> None:
    for _ in range(3):
        twin(queue)
    queue.cancel(twin(queue), "ada", "")
    queue.finish(succeed(take_one(queue)))
    clock.pass_seconds(2 * 24 * 3600)
    queue.reap()
    assert {kind(name) for name in names(raw)} <= {
        "claim",
        "turns",
        "spent",
        "present",
        "clock_offset",
    }


def test_nobody_follows_while_a_worker_serves_that_would_forget_the_followers(
    queue: Queue, raw: redis.Redis
) -> None:
    queue.announce(WorkerNotice(name="new", slots=4, cost_per_second=0.0, pools=(POOL,)))
    first, second = twin(queue), twin(queue)
    assert states(queue, first, second) == [State.QUEUED, State.QUEUED]
    assert job_of(queue, second).follows
    raw.hset(f"{{preimage}}:serving:{POOL}", "old", f"{10**15} 4 0")
    others = [a_job(computation="d" * 64) for _ in range(2)]
    replies = [queue.submit(job) for job in others]
    assert {reply.outcome for reply in replies if isinstance(reply, Submitted)} == {
        SubmitOutcome.CREATED
    }
    raw.hset(f"{{preimage}}:serving:{POOL}", "old", "1 4 0")  # given up long ago
    leader, follower = (a_job(computation="e" * 64) for _ in range(2))
    queue.submit(leader)
    reply = queue.submit(follower)
    assert isinstance(reply, Submitted)
    assert reply.outcome is SubmitOutcome.SHARED
