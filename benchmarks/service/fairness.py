"""What one greedy tenant does to three small ones: how long their jobs wait, on a clock of its own.

A stand-in worker of sixteen slots claims at every boundary, by the real scripts on a real Redis; a
job takes a hundred boundaries, of a tenth of a second each. Small tenants' jobs come at random, the
greedy tenant always has some waiting. Time is the number of the boundary, which Redis' clock is
moved along with: the result depends on no machine.
"""

import argparse
import random
import statistics
from collections import Counter
from dataclasses import dataclass, field

from benchmarks.service.queue_alone import POOL, interactive_job, own_redis
from preimage_queue import (
    BatchRef,
    Claimed,
    Finish,
    NewJob,
    Queue,
    QueueSettings,
    State,
    new_id,
)
from preimage_queue.connections import connect

SLOTS, LENGTH = 16, 100
"""Of the worker, and of a job in boundaries."""
BOUNDARIES, WARM = 5000, 500
"""Simulated, and of these not counted."""
KEY = f"{POOL}|key"
SMALL, GREEDY = ("small-1", "small-2", "small-3"), "greedy"
EQUAL_SHARE = SLOTS // (len(SMALL) + 1)
LOADS = (0.25, 0.5, 1.0, 1.5, 2.0)
"""Slots that each small tenant keeps busy on average."""
IN_STOCK = 2 * SLOTS
BOUNDARY_MS, SEED = 100, 0
DEFAULT_KEPT = QueueSettings().kept_share


@dataclass
class Worker:
    """Sixteen slots, and when each job in them ends."""

    queue: Queue
    running: dict[str, tuple[int, Claimed]] = field(default_factory=dict)
    came: dict[str, float] = field(default_factory=dict)
    waiting: Counter[str] = field(default_factory=Counter)
    waited: dict[str, list[float]] = field(default_factory=dict)
    above: set[str] = field(default_factory=set)
    """Jobs that came while their tenant held an equal share of the slots, or more."""
    within: list[float] = field(default_factory=list)
    """How long small tenants' other jobs waited."""
    busy: int = 0

    def submit(self, tenant: str, at: float) -> None:
        """A job comes, some time since the last boundary."""
        job = _job(tenant)
        self.queue.submit(job)
        self.came[job.id] = at
        self.waiting[tenant] += 1
        if sum(held.tenant == tenant for _, held in self.running.values()) >= EQUAL_SHARE:
            self.above.add(job.id)

    def boundary(self, now: int) -> None:
        """Jobs that are done leave, and others join."""
        for end, job in list(self.running.values()):
            if end <= now:
                self.queue.finish(Finish(id=job.id, attempt=job.attempt, state=State.SUCCEEDED))
                del self.running[job.id]
        held = Counter(job.tenant for _, job in self.running.values())
        jobs = self.queue.claim(
            "worker",
            new_id(),
            pools=(POOL,),
            free_slots=SLOTS - len(self.running),
            capacity_slots=SLOTS,
            current=BatchRef(POOL, KEY) if self.running else None,
            held=held,
        )
        for job in jobs:
            self.running[job.id] = (now + LENGTH, job)
            self.waiting[job.tenant] -= 1
            if now >= WARM:
                self.waited.setdefault(job.tenant, []).append(now - self.came[job.id])
                if job.tenant != GREEDY and job.id not in self.above:
                    self.within.append(now - self.came[job.id])
        self.busy += len(self.running) if now >= WARM else 0


def measure(_options: argparse.Namespace) -> list[dict[str, object]]:
    """Waiting times of small tenants in boundaries, alone and beside a greedy one."""
    rows: list[dict[str, object]] = []
    for load in LOADS:
        alone = _simulate(load, greedy=False)[0]
        unkept = _simulate(load, greedy=True, kept=0.0)[0]
        beside, within, used = _simulate(load, greedy=True)
        rows.append(
            {
                "slots_a_small_tenant": load,
                "jobs": len(beside),
                "p95_alone": _p95(alone),
                "p95_beside": _p95(beside),
                "p95_if_none_is_kept": _p95(unkept),
                "ratio": round(_p95(beside) / _p95(alone), 2),
                "p95_within_equal_share": _p95(within),
                "above_it": f"{1 - len(within) / len(beside):.0%}",
                "mean_beside": round(statistics.mean(beside), 1),
                "slots_in_use": f"{used:.0%}",
            }
        )
    used = _simulate(0.0, greedy=True)[-1]
    empty: dict[str, object] = dict.fromkeys(rows[0], "")
    rows.append(empty | {"slots_a_small_tenant": "none", "slots_in_use": f"{used:.0%}"})
    return rows


def _job(tenant: str) -> NewJob:
    return interactive_job(tenant, POOL, KEY, float(LENGTH))


def _open(url: str, kept: float) -> Queue:
    return Queue(QueueSettings(url=url, kept_share=kept))


def _p95(waits: list[float]) -> float:
    return round(statistics.quantiles(waits, n=20)[18], 2)


def _simulate(
    load: float, *, greedy: bool, kept: float = DEFAULT_KEPT
) -> tuple[list[float], list[float], float]:
    """How long small tenants' jobs waited, those within equal shares too; slots in use."""
    dice = random.Random(SEED)
    with own_redis() as url, _open(url, kept) as queue, connect(queue.settings) as raw:
        worker = Worker(queue)
        for now in range(BOUNDARIES):
            raw.incrby(f"{queue.settings.root}:clock_offset", BOUNDARY_MS)
            for tenant in SMALL:
                if dice.random() < load / LENGTH:
                    worker.submit(tenant, now - dice.random())
            while greedy and worker.waiting[GREEDY] < IN_STOCK:
                worker.submit(GREEDY, now)
            worker.boundary(now)
        waits = [wait for tenant in SMALL for wait in worker.waited.get(tenant, [])]
        return waits, worker.within, worker.busy / SLOTS / (BOUNDARIES - WARM)
