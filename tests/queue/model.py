"""The queue in plain Python: what the scripts must do, in the simplest words.

No index is kept that could go wrong: every question is answered by looking at all jobs. The state
machine compares this, step by step, with the scripts on a real Redis.
"""

import math
from collections import defaultdict

from preimage_queue import BatchRef, Beat, HandBackMode, Lane, NewJob, State
from tests.queue.entries import (
    DEAD_RETENTION,
    LEASE,
    MAX_DELIVERIES,
    PRESENCE,
    RETENTION,
    Entry,
    Where,
)
from tests.queue.model_twins import Twins


class Model:
    """All jobs, the virtual clocks, and the time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.jobs: dict[str, Entry] = {}
        self.blobs: dict[tuple[str, str], int] = {}
        self.uploads: dict[tuple[str, str], float] = {}
        self.wanted: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
        """Who may want a blob that no live job needs, and until when."""

        self.storings = 0
        self.stored: dict[tuple[str, str], int] = {}
        """The number of each blob's last storing."""

        self.virtual: dict[Lane, float] = {}
        self.shares: dict[tuple[Lane, str], float] = {}
        self.seen: dict[tuple[BatchRef, str], float] = {}
        """When a tenant last brought a job of a batch key."""

        self.turns: dict[tuple[str, ...], dict[Lane, float]] = {}
        self.twins = Twins(self)
        self.claims: dict[str, tuple[str, list[tuple[str, int]]]] = {}

    # What is there

    def with_state(self, state: State) -> list[Entry]:
        return [job for job in self.jobs.values() if job.state is state]

    def waits(self) -> list[Entry]:
        """Jobs that have a place in the queue."""
        return [job for job in self.with_state(State.QUEUED) if job.follows is None]

    def runs(self) -> list[Entry]:
        """Jobs that have a lease."""
        return [job for job in self.with_state(State.RUNNING) if job.follows is None]

    def waiting(self, where: Where) -> list[Entry]:
        found = [job for job in self.waits() if job.where == where]
        return sorted(found, key=lambda job: job.order)

    def present_at(self, batch: BatchRef) -> set[str]:
        since = self.now - PRESENCE
        return {who for (what, who), at in self.seen.items() if what == batch and at > since}

    def users(self, tenant: str, digest: str) -> set[str]:
        return {
            job.id
            for job in self.jobs.values()
            if job.new.tenant == tenant and digest in job.new.blobs and not job.state.terminal
        }

    @property
    def queued_bytes(self) -> int:
        held = sum(job.bytes_held for job in self.waits())
        return held + sum(self.blobs[name] for name in self.uploads)

    # Producing

    def put_blob(self, tenant: str, digest: str, size: int, keep: float) -> None:
        self.blobs[tenant, digest] = size
        self.storings += 1
        self.stored[tenant, digest] = self.storings
        self.wanted[tenant, digest]["uploader"] = self.now + keep
        if not self.users(tenant, digest):
            self.uploads[tenant, digest] = self.now + keep

    def submit(self, new: NewJob) -> tuple[str, str]:
        for job in self.jobs.values():
            if (job.new.tenant, job.new.request_id) == (new.tenant, new.request_id):
                same = job.new.fingerprint == new.fingerprint
                return ("EXISTING" if same else "CONFLICT"), job.id
        names = [(new.tenant, digest) for digest in new.blobs]
        known = self.twins.kept(new) if new.computation and not new.refresh else None
        if known is None:
            for name in names:
                if name not in self.blobs:
                    return "MISSING_BLOB", name[1]
        size = len(new.spec) + sum(self.blobs.get(name, 0) for name in names)
        deadline = None if new.deadline_seconds is None else self.now + new.deadline_seconds
        for digest in new.blobs:
            self.uploads.pop((new.tenant, digest), None)
        return self._place(Entry(new, deadline, size, self.storings)), new.id

    def _place(self, job: Entry) -> str:
        """A new job gets a result, follows another one, or enters the queue."""
        twins, shares = self.twins, job.new.computation and not job.new.refresh
        known = twins.kept(job.new) if shares else None
        leads = shares and job.deadline is None and known is None
        leader, slow = twins.leader(job.new) if leads else (None, None)
        self.jobs[job.id] = job
        if known is not None:
            twins.give(known, job)
            job.state, job.forget_at = State.SUCCEEDED, self.now + RETENTION
            self._release_blobs(job)
            return "CACHED"
        if leader is not None:
            twins.follow(job, leader)
            return "SHARED"
        if job.new.slots:
            self.seen[BatchRef(job.new.pool, job.new.batch_key), job.new.tenant] = self.now
        share = (job.new.lane, job.new.tenant)
        job.score = max(self.virtual.get(job.new.lane, 0.0), self.shares.get(share, 0.0))
        self.shares[share] = job.score + job.new.cost / job.new.weight
        if slow is not None:
            twins.step_back(slow, job)
            self._left(slow.where[0])
        twins.lead(job)
        return "CREATED"

    def cancel(self, job_id: str, tenant: str, reason: str) -> str:
        job = self.jobs.get(job_id)
        if job is None or job.new.tenant != tenant:
            return "NOT_FOUND"
        if job.state.terminal:
            return "CANCELLED" if job.state is State.CANCELLED else "ENDED"
        job.cancel = reason if job.cancel is None else job.cancel
        if job.state is State.RUNNING and job.follows is None:
            return "REQUESTED"
        self._end(job, State.CANCELLED, job.cancel)
        return "CANCELLED"

    def delete(self, job_id: str, tenant: str) -> str:
        job = self.jobs.get(job_id)
        if job is None or job.new.tenant != tenant:
            return "NOT_FOUND"
        if job.state is State.RUNNING and job.follows is None:
            job.erase, job.cancel = True, "DELETED" if job.cancel is None else job.cancel
            return "SCHEDULED"
        if not job.state.terminal:
            self._end(job, State.CANCELLED, "DELETED")
        self._erase(job)
        return "DELETED"

    # Working

    def owner(self, job_id: str, attempt: int) -> Entry | None:
        """The job, if this attempt holds it."""
        job = self.jobs.get(job_id)
        holds = job is not None and job.state is State.RUNNING and job.attempt == attempt
        return job if holds else None

    def take(self, job: Entry) -> None:
        lane = job.where[0]
        self.virtual[lane] = max(self.virtual.get(lane, 0.0), job.score)
        job.state = State.RUNNING
        self._left(lane)
        job.attempt += 1
        job.lease = self.now + LEASE
        job.event_step = -1
        self.twins.mirror(job)

    def beat(self, beat: Beat) -> str:
        job = self.owner(beat.id, beat.attempt)
        if job is None:
            return "LOST"
        job.lease = self.now + LEASE
        job.step = beat.step
        if beat.event and beat.step > job.event_step:
            job.events.append(beat.event)
            job.event_step = beat.step
        return "OK" if job.cancel is None else "CANCEL"

    def finish(self, job_id: str, attempt: int, state: State, result: bytes, *, keep: bool) -> str:
        job = self.owner(job_id, attempt)
        if job is not None:
            job.result = result
            self._end(job, state, "", keep=keep and state is State.SUCCEEDED)
            return "ACCEPTED"
        known = self.jobs.get(job_id)
        said = known is not None and (known.attempt, known.state, known.result, known.reason)
        return "REPEATED" if said == (attempt, state, result, "") else "STALE"

    def hand_back(self, job_id: str, attempt: int, mode: HandBackMode) -> str:
        job = self.owner(job_id, attempt)
        if job is None:
            known = self.jobs.get(job_id)
            handed = known.handed if known else None
            return handed[2] if handed and handed[:2] == (attempt, mode) else "STALE"
        verdict = self._settle(job, mode)
        job.handed = (attempt, mode, verdict)
        return verdict

    def _settle(self, job: Entry, mode: HandBackMode) -> str:
        if mode is HandBackMode.FATAL:
            self._end(job, State.FAILED, "BROKEN", dead=True)
            return "DEAD"
        if mode is HandBackMode.FAIL:
            return self.fail_delivery(job)
        if job.cancel is not None:
            self._end(job, State.CANCELLED, job.cancel)
            return "CANCELLED"
        self._requeue(job)
        return "REQUEUED"

    # Tending

    def fail_delivery(self, job: Entry) -> str:
        if job.cancel is not None:
            self._end(job, State.CANCELLED, job.cancel)
            return "CANCELLED"
        if job.deadline is not None and job.deadline <= self.now:
            self._end(job, State.FAILED, "DEADLINE_EXCEEDED")
            return "EXPIRED"
        job.deliveries += 1
        if job.deliveries >= MAX_DELIVERIES:
            self._end(job, State.FAILED, "MAX_DELIVERIES", dead=True)
            return "DEAD"
        job.solo = True
        self._requeue(job)
        return "REQUEUED"

    def end_overdue(self) -> set[str]:
        late = [
            job for job in self.waits() if job.deadline is not None and job.deadline <= self.now
        ]
        for job in late:
            self._end(job, State.FAILED, "DEADLINE_EXCEEDED")
        return {job.id for job in late}

    def reap(self) -> dict[str, set[str]]:
        done: dict[str, set[str]] = {
            word: set() for word in ("REQUEUED", "DEAD", "CANCELLED", "EXPIRED", "FORGOTTEN")
        }
        for job in self.runs():
            if job.lease <= self.now:
                done[self.fail_delivery(job)].add(job.id)
        done["EXPIRED"] |= self.end_overdue()
        for job in list(self.jobs.values()):
            if job.forget_at is not None and job.forget_at <= self.now:
                self._forget(job)
                done["FORGOTTEN"].add(job.id)
        self.uploads = {name: at for name, at in self.uploads.items() if at > self.now}
        return done

    def requeue_dead(self, job_id: str) -> str:
        job = self.jobs.get(job_id)
        if job is not None and job.state is State.QUEUED and job.handed == (0, "again", ""):
            return "REQUEUED"
        if job is None or not job.dead:
            return "NOT_FOUND"
        if any((job.new.tenant, digest) not in self.blobs for digest in job.new.blobs):
            return "MISSING_BLOB"
        job.deliveries, job.solo, job.dead, job.deadline = 0, True, False, None
        job.reason, job.cancel, job.forget_at, job.handed = "", None, None, (0, "again", "")
        job.source = None
        for digest in job.new.blobs:
            self.wanted[job.new.tenant, digest].pop(job.id, None)
            self.uploads.pop((job.new.tenant, digest), None)
        self._requeue(job)
        return "REQUEUED"

    # Moves between states

    def _left(self, lane: Lane) -> None:
        """A lane that ran empty begins to count anew."""
        if not any(job.where[0] is lane for job in self.waits()):
            self.virtual.pop(lane, None)
            self.shares = {share: f for share, f in self.shares.items() if share[0] is not lane}

    def _requeue(self, job: Entry) -> None:
        job.score = min(job.score, self.virtual.get(job.where[0], 0.0))
        job.state = State.QUEUED
        self.twins.release_the_hasty(job)
        self.twins.mirror(job)

    def _end(
        self, job: Entry, state: State, reason: str, *, dead: bool = False, keep: bool = False
    ) -> None:
        was, followed, job.follows = job.state, job.follows, None
        job.state, job.reason, job.dead = state, reason, dead
        job.forget_at = self.now + (DEAD_RETENTION if dead else RETENTION)
        self._release_blobs(job)
        if was is State.QUEUED and followed is None:
            self._left(job.where[0])
        if keep:
            self.twins.keep(job)
        self.twins.ended(
            job, was, lambda follower: self._end(follower, state, reason, dead=dead, keep=keep)
        )
        if job.erase:
            self._erase(job)

    def _let_go_of_blob(self, name: tuple[str, str]) -> None:
        wanted = max(self.wanted[name].values(), default=0.0) > self.now
        if not self.users(*name) and not wanted:
            self.blobs.pop(name, None)
            self.wanted.pop(name)

    def _release_blobs(self, job: Entry) -> None:
        for digest in job.new.blobs:
            name = (job.new.tenant, digest)
            if job.dead:
                self.wanted[name][job.id] = self.now + DEAD_RETENTION
            self._let_go_of_blob(name)

    def _forget(self, job: Entry) -> None:
        del self.jobs[job.id]
        self.twins.forget(job)

    def _erase(self, job: Entry) -> None:
        for digest in job.new.blobs:
            name = (job.new.tenant, digest)
            self.wanted[name].pop(job.id, None)
            others = self.users(*name) - {job.id}
            if not others and self.stored.get(name, math.inf) <= job.created:
                self.wanted[name].pop("uploader", None)
            if self.uploads.get(name, 0.0) <= self.now:
                self.uploads.pop(name, None)
                self._let_go_of_blob(name)
        self._forget(job)
