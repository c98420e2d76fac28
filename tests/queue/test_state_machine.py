"""The scripts and the model agree, whatever is done to both; and the comparison can fail."""

import pytest
import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from preimage_queue import Queue
from preimage_queue.lua import Script
from tests.queue.machine import QueueMachine, machine_settings

CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def bound(queue: Queue, raw: redis.Redis) -> type[RuleBasedStateMachine]:
    """The machine on this Redis, which needs no arguments to be made."""

    class Bound(QueueMachine):
        def __init__(self) -> None:
            super().__init__(queue, raw)

    return Bound


def test_the_scripts_do_what_the_model_says(redis_url: str, raw: redis.Redis) -> None:
    with Queue(machine_settings(redis_url)) as queue:
        run_state_machine_as_test(
            bound(queue, raw),
            settings=settings(
                max_examples=40,
                stateful_step_count=50,
                deadline=None,
                suppress_health_check=CHECKS,
            ),
        )


SPOILED = {
    "the fence is off": ("job.state == 'RUNNING' and job.attempt == attempt", "job.state ~= nil"),
    "an attempt's number is not looked at": ("and job.attempt == attempt", ""),
    "a batch that must drain goes on": ("lag > num(A.skew)", "false"),
    "a tenant is not charged": ("start + num(A.cost) / num(A.weight)", "start"),
    "a lane is not charged": ("start + num(job.cost) / WEIGHT[lane]", "start"),
    "a failed delivery is not counted": ("num(job.deliveries) + 1", "num(job.deliveries)"),
    "followers stay behind": ("go_on(followers, job, was)", ""),
    "a follower does not start with its leader": ("emit(job)\n    mirror(job)", "emit(job)"),
    "an interactive job waits for a batch job": (
        "job.state == 'QUEUED' and job.lane == 'batch' and A.lane ~= 'batch'",
        "false",
    ),
    "failures are forgotten with a leader": (
        "chosen.deliveries, chosen.solo = leader.deliveries, leader.solo",
        "",
    ),
    "a result goes with the first that had it": (
        "call('SET', cached_key(job), heir, 'KEEPTTL')",
        "call('DEL', cached_key(job))",
    ),
    "a result is given for ever": ("num(times[1]) + num(A.cache_ms)", "math.huge"),
    "another tenant's result is given": (
        "key('cached', job.tenant .. ':' .. job.computation)",
        "key('cached', ':' .. job.computation)",
    ),
    "nobody is kept back": ("and free - slots < math.min(most, kept)", "and false"),
    "nobody is ever forgotten": ("'-inf', NOW - num(A.presence_ms)", "'-inf', 0"),
    "a blob goes with the first job that ends": (
        "if call('EXISTS', key('users', name)) == 1 then return end",
        "",
    ),
    "a blob stays for ever": ("call('DEL', key('blob', name), key('wanted', name))", ""),
    "a dead letter loses its blob": ("dead and keep_ms or 0", "0"),
    "an upload goes with its first job": ("math.max(num(last[2]), idle) - NOW", "idle - NOW"),
    "a deletion takes what others have stored since": ("if uploaded <= ", "if 0 <= "),
    "a deletion takes an upload from another job": (
        "if call('EXISTS', key('users', name)) == 1 then return end\n  local wanted",
        "local wanted",
    ),
    "a kept result needs its inputs": (
        "if same then\n  local fresh",
        "if missing then return { 'MISSING_BLOB', missing } end\nif same then\n  local fresh",
    ),
    "a blob is let go while it is used": ("call('SADD', key('users', blob.name), job.id)", ""),
}


@pytest.mark.parametrize("spoiled", SPOILED, ids=lambda name: name.replace(" ", "_"))
def test_the_comparison_fails_when(spoiled: str, redis_url: str, raw: redis.Redis) -> None:
    right, wrong = SPOILED[spoiled]
    with Queue(machine_settings(redis_url)) as queue:
        assert any(right in script.text for script in queue._scripts.values())
        queue._scripts = {
            name: Script.of(script.text.replace(right, wrong))
            for name, script in queue._scripts.items()
        }
        with pytest.raises(AssertionError):
            run_state_machine_as_test(
                bound(queue, raw),
                settings=settings(
                    max_examples=2000,
                    stateful_step_count=40,
                    deadline=None,
                    derandomize=True,
                    database=None,
                    phases=(Phase.generate,),
                    report_multiple_bugs=False,
                    suppress_health_check=CHECKS,
                ),
            )
