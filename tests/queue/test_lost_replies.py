"""Every operation may be repeated: a lost answer costs a round trip, never a job."""

from collections.abc import Callable
from typing import Any, cast

import pytest
import redis
from redis.exceptions import ConnectionError as RedisConnectionError

from preimage_queue import (
    Beat,
    Finish,
    HandBackMode,
    Lane,
    Queue,
    QueueSettings,
    State,
    WorkerNotice,
)
from preimage_queue.call import Call
from preimage_queue.calls import producing, tending, working
from tests.queue.helpers import POOL, a_job, names, put, succeed, take, take_one
from tests.queue.observe import redis_view

SAME = "c" * 64

Scenario = Callable[[Queue, QueueSettings], Call[Any]]


def running(queue: Queue) -> tuple[str, int]:
    put(queue)
    job = take_one(queue)
    return job.id, job.attempt


def submit(queue: Queue, settings: QueueSettings) -> Call[Any]:
    return producing.submit(settings, a_job())


def submit_shared(queue: Queue, settings: QueueSettings) -> Call[Any]:
    put(queue, computation=SAME)
    return producing.submit(settings, a_job(computation=SAME))


def submit_kept(queue: Queue, settings: QueueSettings) -> Call[Any]:
    put(queue, computation=SAME)
    queue.finish(succeed(take_one(queue)))
    return producing.submit(settings, a_job(computation=SAME))


def submit_before_a_batch_job(queue: Queue, settings: QueueSettings) -> Call[Any]:
    put(queue, computation=SAME)
    return producing.submit(settings, a_job(computation=SAME, lane=Lane.INTERACTIVE))


def cancel_leader(queue: Queue, settings: QueueSettings) -> Call[Any]:
    leader, _ = put(queue, computation=SAME), put(queue, computation=SAME)
    return producing.cancel(settings, leader, "ada", "enough")


def delete_leader(queue: Queue, settings: QueueSettings) -> Call[Any]:
    leader, _ = put(queue, computation=SAME), put(queue, computation=SAME)
    return producing.delete(settings, leader, "ada")


def finish_leader(queue: Queue, settings: QueueSettings) -> Call[Any]:
    for _ in range(3):
        put(queue, computation=SAME)
    return working.finish(settings, succeed(take_one(queue)))


def cancel_queued(queue: Queue, settings: QueueSettings) -> Call[Any]:
    return producing.cancel(settings, put(queue), "ada", "enough")


def cancel_running(queue: Queue, settings: QueueSettings) -> Call[Any]:
    return producing.cancel(settings, running(queue)[0], "ada", "enough")


def delete_queued(queue: Queue, settings: QueueSettings) -> Call[Any]:
    return producing.delete(settings, put(queue), "ada")


def delete_running(queue: Queue, settings: QueueSettings) -> Call[Any]:
    return producing.delete(settings, running(queue)[0], "ada")


def put_blob(queue: Queue, settings: QueueSettings) -> Call[Any]:
    return producing.put_blob(settings, "ada", b"picture")


def claim(queue: Queue, settings: QueueSettings) -> Call[Any]:
    for _ in range(3):
        put(queue)
    return working.claim(settings, "w1", "token", pools=[POOL], free_slots=2, capacity_slots=2)


def beat(queue: Queue, settings: QueueSettings) -> Call[Any]:
    return working.beat(settings, "w1", [Beat(*running(queue), 7, b"event")])


def finish(queue: Queue, settings: QueueSettings) -> Call[Any]:
    job_id, attempt = running(queue)
    queue.put_output(job_id, attempt, "x", b"data")
    end = Finish(
        id=job_id, attempt=attempt, state=State.FAILED, result=b"r", reason="R", outputs=("x",)
    )
    return working.finish(settings, end)


def hand_back(mode: HandBackMode) -> Scenario:
    def scenario(queue: Queue, settings: QueueSettings) -> Call[Any]:
        return working.hand_back(settings, [running(queue)], mode, reason="WORKER_ERROR")

    scenario.__name__ = f"hand_back_{mode.lower()}"
    return scenario


def put_output(queue: Queue, settings: QueueSettings) -> Call[Any]:
    return working.put_output(settings, *running(queue), "x", b"data")


def put_checkpoint(queue: Queue, settings: QueueSettings) -> Call[Any]:
    return working.put_checkpoint(settings, *running(queue), 7, b"data")


def requeue_dead(queue: Queue, settings: QueueSettings) -> Call[Any]:
    lease = running(queue)
    queue.hand_back([lease], HandBackMode.FATAL)
    return tending.requeue_dead(settings, lease[0])


def announce(queue: Queue, settings: QueueSettings) -> Call[Any]:
    notice = WorkerNotice(name="w1", slots=2, cost_per_second=1.0, pools=(POOL,), models=("m",))
    return tending.announce(settings, notice)


def retire(queue: Queue, settings: QueueSettings) -> Call[Any]:
    queue.run(announce(queue, settings))
    return tending.retire(settings, "w1")


def drain_worker(queue: Queue, settings: QueueSettings) -> Call[Any]:
    queue.run(announce(queue, settings))
    return tending.drain_worker(settings, "w1")


def publish_model(queue: Queue, settings: QueueSettings) -> Call[Any]:
    return tending.publish_model(settings, "vgg", b"info")


SCENARIOS: list[Scenario] = [
    submit,
    submit_shared,
    submit_kept,
    submit_before_a_batch_job,
    cancel_leader,
    delete_leader,
    finish_leader,
    cancel_queued,
    cancel_running,
    delete_queued,
    delete_running,
    put_blob,
    claim,
    beat,
    finish,
    *map(hand_back, HandBackMode),
    put_output,
    put_checkpoint,
    requeue_dead,
    announce,
    retire,
    drain_worker,
    publish_model,
]

REPEATED_WORD = {b"ACCEPTED": b"REPEATED"}


def essence(answer: object) -> object:
    """An answer without the clock, and with a repeated end taken for an accepted one."""
    if isinstance(answer, list):
        names = (b"now", b"lease")
        return [
            essence(part)
            for index, part in enumerate(answer)
            if not (index and answer[index - 1] in names)
        ]
    return REPEATED_WORD.get(answer, answer) if isinstance(answer, bytes) else answer


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_the_same_call_gets_the_same_answer_and_changes_nothing_more(
    scenario: Scenario, queue: Queue, settings: QueueSettings, raw: redis.Redis
) -> None:
    call = scenario(queue, settings)
    first = queue._evaluate(call)
    view, lengths = redis_view(raw), stream_lengths(raw)
    assert essence(queue._evaluate(call)) == essence(first)
    assert redis_view(raw) == view
    assert stream_lengths(raw) == lengths


def stream_lengths(raw: redis.Redis) -> dict[str, int]:
    return {name: raw.xlen(name) for name in names(raw, "{preimage}:events:*")}


class LosingAnswers:
    """A client that loses its first answer on the way."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self.sent = 0

    def evalsha(self, *args: Any) -> object:
        answer = self._client.evalsha(*args)
        self.sent += 1
        if self.sent == 1:
            raise RedisConnectionError("the answer was lost")
        return answer

    def close(self) -> None:
        self._client.close()


def test_an_executor_asks_again_when_an_answer_is_lost(
    queue: Queue, settings: QueueSettings
) -> None:
    for _ in range(4):
        put(queue)
    take(queue, 1)
    losing = LosingAnswers(queue._client)
    claimed = take(Queue(settings, cast("redis.Redis", losing)), 2)
    assert losing.sent == 2
    assert len(claimed) == 2
    assert queue.stats().running == 3
