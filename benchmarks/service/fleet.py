"""Up to a thousand stand-in workers on the real scripts: what each costs Redis, who gets what.

Time is simulated in ticks of a second, along which Redis' clock is moved. In each, workers beat,
announce themselves and reap as often as real ones do, finish what has run for its time and claim
for the slots that are free; twenty tenants always have jobs waiting. Operations of one kind follow
each other, so that the processor time that Redis has used in between is theirs.
"""

import argparse
import random
import re
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import redis

from benchmarks.service.queue_alone import RESULT, interactive_job, own_redis
from preimage_queue import (
    BatchRef,
    Beat,
    Claimed,
    Finish,
    Lane,
    NewJob,
    Prospect,
    Queue,
    QueueSettings,
    State,
    WorkerNotice,
    new_id,
)
from preimage_queue.connections import connect

SLOTS, RUN_SECONDS, SECONDS, WARM = 16, 20, 40, 20
"""Of a worker; of a job; simulated; and of these not counted."""
POOL, KEY = "squeezenet1_0@digest", "squeezenet1_0@digest|features.5|227"
TENANTS = tuple(f"tenant-{number}" for number in range(20))
IN_STOCK = 4
"""Jobs that wait, for each worker."""
LEASE_SECONDS, WORKER_TTL_SECONDS = 600.0, 120.0
"""Longer than usual: Redis' own time goes on too, by several seconds a tick."""
IDLE_POOLS = tuple(f"idle-{number}@digest" for number in range(10))
HOUSEKEEPING_SECONDS = 4
"""Between two announcements of a worker, and two calls of the reaper."""
EVENT = bytes(120)
"""As long as a progress event without a preview."""


@dataclass
class Fleet:
    """Workers, what they hold, and what they have cost."""

    queue: Queue
    raw: redis.Redis
    size: int
    held: dict[str, dict[str, tuple[int, Claimed]]] = field(default_factory=dict)
    """By worker and job: when it ends."""
    spent: Counter[str] = field(default_factory=Counter)
    """Microseconds of Redis' main thread, by operation."""
    count: Counter[str] = field(default_factory=Counter)
    finished: Counter[str] = field(default_factory=Counter)
    waiting: Counter[str] = field(default_factory=Counter)
    counts: bool = False

    def __post_init__(self) -> None:
        """Give every worker a name."""
        self.held = {f"host-{number}-{new_id()[-6:]}": {} for number in range(self.size)}

    @contextmanager
    def costing(self, kind: str, operations: int) -> Iterator[None]:
        """What Redis computes inside the block is for so many operations of a kind."""
        before = _busy_microseconds(self.raw)
        yield
        if self.counts and operations:
            self.spent[kind] += _busy_microseconds(self.raw) - before
            self.count[kind] += operations

    def tick(self, now: int) -> None:
        """One second of all workers."""
        self.raw.incrby(f"{self.queue.settings.root}:clock_offset", 1000)
        self._submit()
        turn = [name for at, name in enumerate(self.held) if at % HOUSEKEEPING_SECONDS == now % 4]
        with self.costing("announce", len(turn)):
            for name in turn:
                self.queue.announce(_notice(name))
        with self.costing("reap", len(turn)):
            for _ in turn:
                self.queue.reap()
        beating = [name for name, jobs in self.held.items() if jobs]
        with self.costing("beat", len(beating)):
            for name in beating:
                self.queue.beat(name, _beats(self.held[name], now))
        self._finish(now)
        self._claim(now)

    def _submit(self) -> None:
        """Every tenant has jobs waiting, however many are taken in a tick."""
        stock = max(SLOTS, IN_STOCK * self.size // len(TENANTS))
        missing = [name for name in TENANTS for _ in range(stock - self.waiting[name])]
        random.Random(0).shuffle(missing)
        with self.costing("submit", len(missing)):
            for tenant in missing:
                self.queue.submit(_job(tenant))
                self.waiting[tenant] += 1

    def _finish(self, now: int) -> None:
        ending = [
            (name, job)
            for name, jobs in self.held.items()
            for end, job in jobs.values()
            if end <= now
        ]
        with self.costing("finish", len(ending)):
            for name, job in ending:
                ended = Finish(id=job.id, attempt=job.attempt, state=State.SUCCEEDED, result=RESULT)
                self.queue.finish(ended)
                del self.held[name][job.id]
        if self.counts:
            self.finished.update(job.tenant for _, job in ending)

    def _claim(self, now: int) -> None:
        asking = [name for name, jobs in self.held.items() if len(jobs) < SLOTS]
        taken = 0
        with self.costing("claim", len(asking)):
            for name in asking:
                taken += self._claim_for(name, now)
        self.count["jobs"] += taken if self.counts else 0

    def _claim_for(self, name: str, now: int) -> int:
        jobs = self.held[name]
        claimed = self.queue.claim(
            name,
            new_id(),
            pools=(POOL,),
            free_slots=SLOTS - len(jobs),
            capacity_slots=SLOTS,
            current=BatchRef(POOL, KEY) if jobs else None,
            held=Counter(job.tenant for _, job in jobs.values()),
        )
        for job in claimed:
            # Lengths differ, or all workers would go on claiming in step.
            jobs[job.id] = (now + random.randint(RUN_SECONDS // 2, 3 * RUN_SECONDS // 2), job)
            self.waiting[job.tenant] -= 1
        return len(claimed)


def measure(options: argparse.Namespace) -> list[dict[str, object]]:
    """Microseconds of Redis by operation and number of workers, and how even shares are."""
    return [_run(int(size)) for size in options.workers.split(",")]


def _run(size: int) -> dict[str, object]:
    random.seed(size)
    with own_redis() as url, Queue(_settings(url)) as queue, connect(queue.settings) as raw:
        fleet = Fleet(queue, raw, size)
        for name in fleet.held:
            queue.announce(_notice(name))
        for now in range(SECONDS):
            fleet.counts = now >= WARM
            fleet.tick(now)
        return {**_figures(fleet), **_looks(fleet), **_keys(fleet)}


def _settings(url: str) -> QueueSettings:
    return QueueSettings(
        url=url, lease_seconds=LEASE_SECONDS, worker_ttl_seconds=WORKER_TTL_SECONDS
    )


def _figures(fleet: Fleet) -> dict[str, object]:
    """Costs of the operations, and what they come to."""
    kinds = ("submit", "claim", "beat", "finish", "announce", "reap")
    each = {kind: fleet.spent[kind] / max(1, fleet.count[kind]) for kind in kinds}
    seconds = SECONDS - WARM
    job = sum(fleet.spent[kind] for kind in ("submit", "claim", "finish")) / fleet.count["jobs"]
    kept = sum(fleet.spent[kind] for kind in ("beat", "announce", "reap"))
    shares = list(fleet.finished.values())
    return {
        "workers": fleet.size,
        "jobs_per_second": round(fleet.count["jobs"] / seconds, 1),
        **{f"{kind}_us": round(value, 1) for kind, value in each.items()},
        "job_us": round(job, 1),
        "worker_second_us": round(kept / seconds / fleet.size, 1),
        "redis_busy": round(sum(fleet.spent.values()) / seconds / 1e6, 3),
        "fairness": round(sum(shares) ** 2 / len(shares) / sum(x * x for x in shares), 4),
    }


def _looks(fleet: Fleet) -> dict[str, object]:
    """What is rare, or asked by who has nothing to do."""
    queue, worker = fleet.queue, next(iter(fleet.held))
    prospect = Prospect(tenant="other", lane=Lane.INTERACTIVE, slots=4, pool=POOL)
    actions = {
        "idle_claim": lambda: queue.claim(
            worker, new_id(), pools=IDLE_POOLS, free_slots=SLOTS, capacity_slots=SLOTS
        ),
        "room": lambda: queue.room(prospect),
        "stats": queue.stats,
        "list_workers": queue.list_workers,
    }
    found: dict[str, object] = {}
    for name, action in actions.items():
        before = _busy_microseconds(fleet.raw)
        for _ in range(20):
            action()
        found[f"{name}_us"] = round((_busy_microseconds(fleet.raw) - before) / 20, 1)
    return found


def _keys(fleet: Fleet) -> dict[str, object]:
    """What the commands of one more tick touch, scripts' own included: shares of all commands."""
    with _monitored(fleet.queue.settings.url) as lines:
        fleet.counts = False
        fleet.tick(SECONDS)
    root = re.escape(fleet.queue.settings.root)
    kinds = Counter(re.findall(rf'\[\d+ lua\] "\w+" "{root}:(\w+)', "".join(lines)))
    top = kinds.most_common(8)
    return {
        "commands_per_second": kinds.total(),
        "keys": ", ".join(f"{kind} {count / kinds.total():.0%}" for kind, count in top),
    }


@contextmanager
def _monitored(url: str) -> Iterator[list[str]]:
    """Everything that Redis executes inside the block, once the block is left."""
    lines: list[str] = []
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(url.removeprefix("unix://"))
        connection.sendall(b"MONITOR\r\n")
        reader = threading.Thread(target=_read_all, args=(connection, lines))
        reader.start()
        yield lines
        connection.shutdown(socket.SHUT_RDWR)
        reader.join()


def _read_all(connection: socket.socket, lines: list[str]) -> None:
    while chunk := connection.recv(1 << 20):
        lines.append(chunk.decode("latin-1"))


def _busy_microseconds(raw: redis.Redis) -> int:
    """Processor time of Redis so far, that of its file's rewriting children left out."""
    told: dict[str, float] = raw.info("cpu")
    return round(1e6 * (told["used_cpu_user"] + told["used_cpu_sys"]))


def _notice(name: str) -> WorkerNotice:
    rate = 900 + random.random()
    return WorkerNotice(name=name, slots=SLOTS, cost_per_second=rate, pools=(POOL,), info=EVENT)


def _beats(jobs: Mapping[str, tuple[int, Claimed]], now: int) -> list[Beat]:
    return [
        Beat(id=job.id, attempt=job.attempt, step=now * 10, event=EVENT) for _, job in jobs.values()
    ]


def _job(tenant: str) -> NewJob:
    return interactive_job(tenant, POOL, KEY, 200.0)
