"""The work of a script does not grow with the queue: counted in commands, not in seconds."""

import redis

from preimage_queue import Queue
from preimage_queue.calls import producing
from tests.queue.helpers import KEY, a_job, put, take

FEW, MANY = 10, 20_000


def commands(raw: redis.Redis) -> int:
    """Commands that Redis has run so far, those inside scripts included."""
    return sum(stats["calls"] for stats in raw.info("commandstats").values())


def work_of_one_round(queue: Queue, raw: redis.Redis) -> tuple[int, int, int]:
    """Commands of one submit, one claim and one beat-less end."""
    counts = []
    before = commands(raw)
    put(queue, batch_key="new/key")
    counts.append(commands(raw) - before)
    before = commands(raw)
    (job,) = take(queue, 1)
    counts.append(commands(raw) - before)
    before = commands(raw)
    queue.cancel(job.id, job.tenant, "")
    queue.delete(put(queue), "ada")
    counts.append(commands(raw) - before)
    return counts[0], counts[1], counts[2]


def fill(queue: Queue, raw: redis.Redis, count: int) -> None:
    """Queue jobs of 50 tenants and 40 batch keys, many at a time."""
    script = queue._scripts["submit"]
    with raw.pipeline(transaction=False) as pipeline:
        pipeline.script_load(script.text)
        for number in range(count):
            job = a_job(tenant=f"t{number % 50}", batch_key=f"{KEY}/{number % 40}")
            call = producing.submit(queue.settings, job)
            pipeline.evalsha(script.sha, 1, *call.keys, *call.args)
        pipeline.execute()


def test_submit_claim_and_cancel_run_as_many_commands_on_20000_jobs_as_on_10(
    queue: Queue, raw: redis.Redis
) -> None:
    fill(queue, raw, FEW)
    work_of_one_round(queue, raw)  # loads the scripts
    few = work_of_one_round(queue, raw)
    fill(queue, raw, MANY - FEW)
    many = work_of_one_round(queue, raw)
    assert queue.stats().queued > MANY - 10
    assert all(after <= before + 4 for before, after in zip(few, many, strict=True)), (few, many)
    assert max(many) < 150


def test_five_hundred_jobs_drain_in_fair_order_to_nothing(queue: Queue, raw: redis.Redis) -> None:
    fill(queue, raw, 500)
    seen: list[str] = []
    while jobs := take(queue, 64, capacity=64):
        seen += [job.tenant for job in jobs]
    assert len(seen) == 500
    assert queue.stats().queued == 0
    assert raw.exists("{preimage}:sums", "{preimage}:virtual", "{preimage}:waiting:batch") == 0
