"""Claiming in plain Python: who gets what, and in which order."""

from collections import Counter
from dataclasses import dataclass

from preimage_queue import BatchRef, Lane
from tests.queue.entries import KEPT, SHARED, WEIGHT, Entry
from tests.queue.model import Model


@dataclass
class Claim:
    """One claim of a worker."""

    model: Model
    pools: tuple[str, ...]
    free: int
    capacity: int
    current: BatchRef | None
    max_instant: int
    skew: float
    held: Counter[str]
    """Slots that the worker holds already, by tenant."""

    def run(self) -> list[Entry]:
        """The jobs that the worker gets, in order."""
        self.taken: list[Entry] = []
        if self.current is None:
            self.capacity = min(self.capacity, self.free)
        self.turn = dict(self.model.turns.get(self.pools, dict.fromkeys(SHARED, 0.0)))
        self.model.end_overdue()
        if self.current is None:
            self._idle()
        elif not self.current.solo:
            self._instant()
            self._fill(self.current, running=True)
        if self.taken:
            self.model.turns[self.pools] = self.turn
        return self.taken

    def _fitting(self, lane: Lane, ref: BatchRef) -> Entry | None:
        """The first job of a batch key that fits the worker at all."""
        jobs = self.model.waiting((lane, ref.pool, ref.batch_key))
        return next((job for job in jobs if job.new.slots <= self.capacity), None)

    def _next_of(self, lane: Lane, ref: BatchRef) -> Entry | None:
        """The first one that its tenant may have now, too."""
        for job in self.model.waiting((lane, ref.pool, ref.batch_key)):
            if job.new.slots <= self.capacity and not self._is_kept_back(job):
                return job
        return None

    def _is_kept_back(self, job: Entry) -> bool:
        """Whether it must leave slots to others who are present and hold less than its tenant."""
        tenant, slots = job.new.tenant, job.new.slots
        if tenant in self.kept_back:
            return True
        if self.held[tenant] == 0 or self._has_room_for_all(tenant, self.held[tenant] + slots):
            return False
        waited_for = {one for one in self.present - {tenant} if self.held[one] < self.held[tenant]}
        kept = min(int(self.capacity * KEPT), len(waited_for))
        if kept > 0 and self.free - slots < kept:
            self.kept_back.add(tenant)
        return tenant in self.kept_back

    def _has_room_for_all(self, tenant: str, slots: int) -> bool:
        """Whether the tenant may have so many: others no more, but one beside what they hold."""
        holders = {one for one, held in self.held.items() if held}
        wanted = [
            min(slots, self.held[one] + (one in self.present))
            for one in (self.present | holders) - {tenant}
        ]
        return slots + sum(wanted) <= self.capacity

    def _best(self, lane: Lane, other_than: BatchRef | None = None) -> Entry | None:
        """The lane's first fitting job over all batch keys but one."""
        refs = {
            BatchRef(*job.where[1:])
            for job in self.model.waits()
            if job.where[0] is lane and job.new.pool in self.pools
        }
        found = [job for ref in refs if ref != other_than and (job := self._fitting(lane, ref))]
        return min(found, key=lambda job: job.order, default=None)

    def _next(self, candidates: dict[Lane, Entry | None]) -> Entry | None:
        """The candidate whose lane's turn it is."""
        found = [job for job in candidates.values() if job is not None]
        return min(found, key=lambda job: self.turn[job.where[0]], default=None)

    def _take(self, job: Entry, waiting: dict[Lane, Entry | None]) -> None:
        lane = job.where[0]
        self._lease(job)
        start = self.turn[lane]
        self.turn[lane] = start + job.new.cost / WEIGHT[lane]
        for other in SHARED:
            if other is not lane and waiting[other] is None:
                self.turn[other] = max(self.turn[other], start)

    def _lease(self, job: Entry) -> None:
        self.model.take(job)
        self.free -= job.new.slots
        self.held[job.new.tenant] += job.new.slots
        self.taken.append(job)

    def _idle(self) -> None:
        heads = {lane: self._best(lane) for lane in SHARED}
        first = self._next(heads)
        if first is not None and first.solo:
            self._take(first, heads)
            return
        self._instant()
        if first is not None:
            self._fill(BatchRef(*first.where[1:]), running=False)

    def _instant(self) -> None:
        for _ in range(self.max_instant):
            if (job := self._best(Lane.INSTANT)) is not None:
                self._lease(job)

    def _fill(self, batch: BatchRef, *, running: bool) -> None:
        others = {lane: self._best(lane, other_than=batch) for lane in SHARED}
        self.kept_back: set[str] = set()
        self.present = self.model.present_at(batch)
        while self.free > 0:
            own = {lane: self._next_of(lane, batch) for lane in SHARED}
            job = self._next(own)
            if job is None or job.new.slots > self.free:
                return
            if running and any(self._owed(job, other) > self.skew for other in others.values()):
                return
            self._take(job, {lane: others[lane] or own[lane] for lane in SHARED})

    def _owed(self, job: Entry, other: Entry | None) -> float:
        """How much work the other job's key is behind."""
        if other is None:
            return 0.0
        lane, other_lane = job.where[0], other.where[0]
        if lane is other_lane:
            return job.score - other.score
        return (self.turn[lane] - self.turn[other_lane]) * WEIGHT[other_lane]
