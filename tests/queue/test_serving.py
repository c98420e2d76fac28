"""The summary of a pool's workers is always what asking each of them would say, and spares that."""

import random

import pytest
import redis

from preimage_queue import Lane, Prospect, Queue, Rejected, RejectReason, WorkerNotice
from tests.queue.helpers import POOL, Clock, a_job, put

TTL_SECONDS = 15
WORK = 1e6


def announce(queue: Queue, name: str, slots: int = 4, rate: float = 1.0) -> None:
    queue.announce(WorkerNotice(name=name, slots=slots, cost_per_second=rate, pools=(POOL,)))


def widest(queue: Queue) -> int:
    """The most slots of a live worker as submissions see it; 0 for no worker."""
    wide = Prospect(tenant="ada", lane=Lane.BATCH, slots=10**6, pool=POOL)
    no = queue.room(wide)
    assert no is None or no.reason is RejectReason.TOO_WIDE
    return int(no.limit) if no else 0


def rate(queue: Queue) -> float:
    """Work a second as submissions see it, from the time that `WORK` takes; 0 for no worker."""
    hasty = Prospect(tenant="ada", lane=Lane.BATCH, slots=1, pool=POOL, deadline_seconds=1e-3)
    no = queue.room(hasty)
    return 1000 * WORK / no.limit if isinstance(no, Rejected) else 0.0


@pytest.mark.parametrize("seed", range(5))
def test_it_follows_workers_that_come_change_leave_and_fall_silent(
    seed: int, queue: Queue, raw: redis.Redis, clock: Clock
) -> None:
    dice, now, live = random.Random(seed), 0.0, dict[str, tuple[float, int, float]]()
    put(queue, cost=WORK)
    for _ in range(150):
        name, slots, speed = f"w{dice.randrange(6)}", dice.choice((4, 8, 16)), dice.uniform(1, 9)
        match dice.choice(["announce"] * 6 + ["retire", "wait", "old", "wait"]):
            case "announce":
                announce(queue, name, slots, speed)
                live[name] = (now + TTL_SECONDS, slots, speed)
            case "retire":
                queue.retire(name)
                live.pop(name, None)
            case "wait":
                seconds = dice.choice((1, 4, 9))
                clock.pass_seconds(seconds)
                now += seconds
            case "old":  # a worker of an earlier version keeps no summary
                gone = round(1000 * (_now(raw, clock) + TTL_SECONDS))
                raw.hset(f"{{preimage}}:serving:{POOL}", f"old-{now}", f"{gone} 32 2 twins")
                live[f"old-{now}"] = (now + TTL_SECONDS - 0.5, 32, 2.0)
        live = {each: said for each, said in live.items() if said[0] > now}
        assert widest(queue) == max((said[1] for said in live.values()), default=0)
        assert rate(queue) == pytest.approx(sum(said[2] for said in live.values()), rel=1e-3)


def _now(raw: redis.Redis, clock: Clock) -> float:
    seconds, micros = raw.time()
    return seconds + micros / 1e6 + float(raw.get("{preimage}:clock_offset") or 0) / 1000


def test_a_submission_does_not_read_every_worker(queue: Queue, raw: redis.Redis) -> None:
    for number in range(50):
        announce(queue, f"w{number}")
    raw.config_resetstat()
    queue.submit(a_job(slots=3, computation="c" * 64))
    called = raw.info("commandstats")
    assert "cmdstat_hgetall" not in called
    assert "cmdstat_hvals" not in called


def test_a_worker_that_fell_silent_does_not_make_the_others_read_them_all(
    queue: Queue, raw: redis.Redis, clock: Clock
) -> None:
    put(queue, cost=WORK)
    for number in range(20):
        announce(queue, f"w{number}")
    clock.pass_seconds(TTL_SECONDS * 0.6)
    raw.config_resetstat()
    for number in range(1, 20):  # w0 is silent, and still counted
        announce(queue, f"w{number}")
    announce(queue, "newcomer")
    assert "cmdstat_hgetall" not in raw.info("commandstats")
    assert rate(queue) == pytest.approx(21.0, rel=1e-3)


def test_a_worker_that_fell_silent_is_forgotten_by_those_that_live(
    queue: Queue, raw: redis.Redis, clock: Clock
) -> None:
    announce(queue, "silent")
    clock.pass_seconds(TTL_SECONDS + 1)
    announce(queue, "live")
    assert raw.hkeys(f"{{preimage}}:serving:{POOL}") == ["live"]
