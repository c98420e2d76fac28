"""Equal jobs in the model: who follows whom, whose result is kept, and who goes on without whom."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from preimage_queue import Lane, NewJob, State
from tests.queue.entries import CACHE, Entry

if TYPE_CHECKING:
    from tests.queue.model import Model


class Twins:
    """The part of the model that looks at several jobs at once."""

    def __init__(self, model: "Model") -> None:
        self.model = model
        self.flight: dict[tuple[str, str], str] = {}
        self.cached: dict[tuple[str, str], str] = {}
        self.holders: dict[str, set[str]] = defaultdict(set)

    def followers(self, leader: Entry) -> list[Entry]:
        found = [job for job in self.model.jobs.values() if job.follows == leader.id]
        return sorted(found, key=lambda job: job.id)

    # A newcomer

    def kept(self, new: NewJob) -> Entry | None:
        job = self.model.jobs.get(self.cached.get((new.tenant, new.computation), ""))
        if job is None or job.computed is None or job.forget_at is None:
            return None
        return job if min(job.computed + CACHE, job.forget_at) > self.model.now else None

    def give(self, known: Entry, job: Entry) -> None:
        """An ended job's result to a new one."""
        job.result, job.source, job.computed = known.result, known.place, known.computed
        self.holders[job.place] |= {known.id, job.id}

    def leader(self, new: NewJob) -> tuple[Entry | None, Entry | None]:
        """Who can be followed, or who steps back."""
        job = self.model.jobs.get(self.flight.get((new.tenant, new.computation), ""))
        if job is None or job.cancel is not None:
            return None, None
        slow = job.state is State.QUEUED and job.new.lane is Lane.BATCH
        if slow and new.lane is not Lane.BATCH:
            return None, (job if job.attempt == 0 else None)
        return job, None

    def lead(self, job: Entry) -> None:
        if job.new.computation and job.deadline is None:
            self.flight[job.twins] = job.id

    def follow(self, job: Entry, leader: Entry) -> None:
        job.follows, job.state = leader.id, leader.state

    def step_back(self, old: Entry, new: Entry) -> None:
        for job in (*self.followers(old), old):
            self.follow(job, new)

    # A leader moves

    def mirror(self, leader: Entry) -> None:
        for job in self.followers(leader):
            job.state = leader.state

    def release_the_hasty(self, leader: Entry) -> None:
        if leader.new.lane is Lane.BATCH:
            hasty = [job for job in self.followers(leader) if job.new.lane is not Lane.BATCH]
            self.go_on(hasty, leader, State.RUNNING)

    # A leader ends

    def ended(self, leader: Entry, was: State, end: Callable[[Entry], None]) -> None:
        followers = self.followers(leader)
        if leader.state is State.CANCELLED or leader.reason == "DEADLINE_EXCEEDED":
            self.go_on(followers, leader, was)
        else:
            for job in followers:
                job.source, job.attempt, job.step = leader.place, leader.attempt, leader.step
                job.result = leader.result
                if not leader.dead:
                    self.holders[job.place] |= {leader.id, job.id}
                end(job)
        if self.flight.get(leader.twins) == leader.id:
            del self.flight[leader.twins]

    def go_on(self, jobs: Iterable[Entry], leader: Entry, was: State) -> None:
        waiting = list(jobs)
        if not waiting:
            return
        chosen = min(waiting, key=lambda job: (job.new.lane is Lane.BATCH, job.id))
        for job in waiting:
            job.follows, job.state = chosen.id, State.QUEUED
        chosen.deliveries, chosen.solo = leader.deliveries, leader.solo
        chosen.score, chosen.follows = self._place_left(chosen, leader, was), None
        if self.flight.get(chosen.twins, leader.id) == leader.id:
            self.lead(chosen)

    def _place_left(self, job: Entry, leader: Entry, was: State) -> float:
        lane = job.where[0]
        now = self.model.virtual.get(lane, 0.0)
        if leader.where[0] is not lane:
            return now
        if was is State.RUNNING:
            return min(leader.score, now)
        others = (one for one in self.model.waits() if one is not job)
        return leader.score if any(one.where[0] is lane for one in others) else now

    # A result is kept, and forgotten

    def keep(self, job: Entry) -> None:
        if job.new.computation:
            job.computed = self.model.now
            if job.source is None:
                self.cached[job.twins] = job.id

    def forget(self, job: Entry) -> None:
        holders = self.holders[job.place]
        holders.discard(job.id)
        if self.cached.get(job.twins) == job.id:
            if holders:
                self.cached[job.twins] = max(holders)
            else:
                del self.cached[job.twins]
