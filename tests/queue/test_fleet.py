from dataclasses import replace
from typing import Any

import pytest
import redis

from preimage_queue import Announced, PublishedModel, Queue, WorkerNotice
from tests.queue.helpers import POOL, Clock, put, take


def notice(name: str = "w1", **changes: Any) -> WorkerNotice:
    worker = WorkerNotice(name=name, slots=4, cost_per_second=2.0, pools=(POOL,))
    return replace(worker, **changes)


def test_live_workers_are_listed_with_what_they_hold(queue: Queue) -> None:
    queue.announce(notice("w2", info=b"\x00gpu"))
    queue.announce(notice("w1", pools=("a@1", POOL)))
    put(queue)
    put(queue)
    take(queue, 2, worker="w2")
    one, two = queue.list_workers()
    assert (one.name, one.pools, one.running, one.draining) == ("w1", ("a@1", POOL), 0, False)
    assert (two.name, two.info, two.running, two.cost_per_second) == ("w2", b"\x00gpu", 2, 2.0)
    assert queue.stats().workers == 2


def test_a_worker_that_is_silent_is_not_listed(queue: Queue, clock: Clock) -> None:
    queue.announce(notice())
    clock.pass_seconds(10)
    queue.announce(notice())
    clock.pass_seconds(10)
    assert len(queue.list_workers()) == 1
    clock.pass_seconds(6)
    assert queue.stats().workers == 0
    assert queue.list_workers() == ()


def test_a_worker_that_leaves_is_gone_at_once(queue: Queue) -> None:
    queue.announce(notice())
    queue.retire("w1")
    assert queue.list_workers() == ()
    assert queue._client.keys() == []


def test_a_worker_learns_that_it_shall_leave(queue: Queue) -> None:
    assert queue.announce(notice()) == Announced(drain=False, unknown_models=())
    assert queue.drain_worker("w1")
    assert queue.announce(notice()).drain
    assert queue.list_workers()[0].draining
    assert queue.drain_worker("w1", drain=False)
    assert not queue.announce(notice()).drain


def test_a_worker_that_takes_long_to_leave_is_not_forgotten_to_be_leaving(
    queue: Queue, raw: redis.Redis
) -> None:
    queue.announce(notice())
    queue.drain_worker("w1")
    assert raw.pexpire("{preimage}:drain:w1", 10_000)
    assert queue.announce(notice()).drain
    assert raw.pttl("{preimage}:drain:w1") > 3_000_000


def test_a_worker_that_does_not_live_cannot_be_asked_to_leave(queue: Queue, clock: Clock) -> None:
    assert not queue.drain_worker("nobody")
    queue.announce(notice())
    clock.pass_seconds(16)
    assert not queue.drain_worker("w1")


def test_a_model_is_listed_while_some_worker_serves_it(queue: Queue, clock: Clock) -> None:
    assert queue.announce(notice(models=("vgg",))).unknown_models == ("vgg",)
    queue.publish_model("vgg", b"layers")
    queue.publish_model("alexnet", b"fewer layers")
    assert queue.list_models() == (
        PublishedModel("alexnet", b"fewer layers"),
        PublishedModel("vgg", b"layers"),
    )
    clock.pass_seconds(50)
    assert queue.announce(notice(models=("vgg",))).unknown_models == ()
    clock.pass_seconds(50)
    assert [model.name for model in queue.list_models()] == ["vgg"]


@pytest.mark.parametrize(
    "changes",
    [{"name": ""}, {"pools": ()}, {"pools": ("a|b",)}, {"slots": 0}, {"cost_per_second": -1.0}],
)
def test_a_notice_that_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a worker needs"):
        notice(**changes)
