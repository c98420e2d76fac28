"""Short words for what the tests of the queue do all the time."""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import redis

from preimage_queue import (
    BatchRef,
    BlobRef,
    Claimed,
    Finish,
    Lane,
    NewJob,
    Queue,
    QueueSettings,
    State,
    Submitted,
)

POOL: Final = "vgg@1"
KEY: Final = "vgg@1/conv3"

_numbers = itertools.count(1)


def quick(url: str, **changes: Any) -> QueueSettings:
    """Settings for tests: few connections, short pauses."""
    settings = QueueSettings(url=url, connections=4, backoff_seconds=0.001)
    return replace(settings, **changes)


def a_job(**changes: Any) -> NewJob:
    """A job that fits any worker, with a request of its own."""
    number = next(_numbers)
    fields: dict[str, Any] = {
        "tenant": "ada",
        "request_id": f"request-{number}",
        "fingerprint": f"fingerprint-{number}",
        "lane": Lane.BATCH,
        "pool": POOL,
        "batch_key": KEY,
        "slots": 1,
        "cost": 10.0,
        "spec": b"spec %d" % number,
        "id": f"{number:032x}",
    }
    fields |= changes
    if fields["lane"] is Lane.INSTANT:
        fields["slots"] = 0
    return NewJob(**fields)


def put(queue: Queue, **changes: Any) -> str:
    """Submit a job that must be accepted; returns its id."""
    reply = queue.submit(a_job(**changes))
    assert isinstance(reply, Submitted), reply
    return reply.job_id


def stored(queue: Queue, data: bytes, tenant: str = "ada") -> str:
    """Store a blob that must be accepted; returns its digest."""
    reply = queue.put_blob(tenant, data)
    assert isinstance(reply, BlobRef), reply
    return reply.digest


def names(raw: redis.Redis, pattern: str = "*") -> list[str]:
    """All keys, as texts."""
    return sorted(name if isinstance(name, str) else name.decode() for name in raw.keys(pattern))


def kind(name: str) -> str:
    """The first word of a key behind the namespace."""
    return name.split(":")[1]


def take(
    queue: Queue,
    free: int = 4,
    *,
    worker: str = "w1",
    token: str = "",
    pools: Iterable[str] = (POOL,),
    capacity: int = 4,
    current: BatchRef | None = None,
    held: Mapping[str, int] | None = None,
    instant: int = 0,
    skew: float | None = None,
) -> tuple[Claimed, ...]:
    """Claim, with a new token unless one is given."""
    return queue.claim(
        worker,
        token or f"token-{next(_numbers)}",
        pools=tuple(pools),
        free_slots=free,
        capacity_slots=capacity,
        current=current,
        held=held or {},
        max_instant=instant,
        skew_cost=skew,
    )


def take_one(queue: Queue, **options: Any) -> Claimed:
    """Claim exactly one job."""
    (claimed,) = take(queue, 1, **options)
    return claimed


def ids(jobs: Iterable[Claimed]) -> list[str]:
    return [job.id for job in jobs]


def succeed(claimed: Claimed, **changes: Any) -> Finish:
    """The happy end of an attempt."""
    end = Finish(id=claimed.id, attempt=claimed.attempt, state=State.SUCCEEDED)
    return replace(end, **changes)


def state_of(queue: Queue, job_id: str, tenant: str = "ada") -> State:
    detail = queue.get_job(job_id, tenant)
    assert detail is not None
    return detail.job.state


class Clock:
    """Moves the time that the scripts see."""

    def __init__(self, client: redis.Redis, root: str = "{preimage}") -> None:
        self._client = client
        self._key = f"{root}:clock_offset"

    def pass_seconds(self, seconds: float) -> None:
        self._client.incrby(self._key, round(seconds * 1000))
