"""A Hypothesis machine that drives the scripts and the model side by side, and compares them.

Time is a number that the machine moves in steps of 600 seconds; every duration is an odd multiple
of 300, so that the seconds which really pass while a test runs never decide anything.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Final

import redis
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from preimage_queue import (
    BatchRef,
    Beat,
    Conflict,
    Finish,
    HandBackMode,
    Lane,
    MissingBlob,
    NewJob,
    Queue,
    QueueSettings,
    State,
    Submitted,
)
from tests.queue.entries import (
    CACHE,
    DEAD_RETENTION,
    KEPT,
    LEASE,
    MAX_DELIVERIES,
    PRESENCE,
    RETENTION,
    Entry,
)
from tests.queue.helpers import Clock, kind, names
from tests.queue.model import Model
from tests.queue.model_claim import Claim
from tests.queue.observe import model_view, redis_view
from tests.queue.wishes import COMPUTATIONS, PAYLOADS, Wish, digests, picks, tenants, wishes

STEP: Final = 600
MEMORIES: Final = ("claim", "turns", "present", "deleted", "spent")
UPLOAD: Final = 2100
SKEW: Final = 8.0


def machine_settings(url: str) -> QueueSettings:
    """Settings in the machine's units of time."""
    return QueueSettings(
        url=url,
        lease_seconds=LEASE,
        max_deliveries=MAX_DELIVERIES,
        skew_cost=SKEW,
        presence_seconds=PRESENCE,
        kept_share=KEPT,
        result_retention_seconds=RETENTION,
        dead_retention_seconds=DEAD_RETENTION,
        cache_seconds=CACHE,
        upload_retention_seconds=UPLOAD,
        claim_memory_seconds=86_400,
    )


@dataclass
class WorkerSide:
    """What a worker believes."""

    name: str
    capacity: int
    pools: tuple[str, ...]
    batch: BatchRef | None = None
    held: dict[tuple[str, int], tuple[str, int]] = field(default_factory=dict)
    """Tenant and slots by (id, attempt)."""

    last_claim: tuple[str, BatchRef | None, int, Counter[str]] | None = None

    @property
    def free(self) -> int:
        return self.capacity - sum(slots for _, slots in self.held.values())

    @property
    def by_tenant(self) -> Counter[str]:
        slots: Counter[str] = Counter()
        for tenant, taken in self.held.values():
            slots[tenant] += taken
        return slots


class QueueMachine(RuleBasedStateMachine):
    """Takes a queue and a client of an empty Redis; both live longer than one run."""

    def __init__(self, queue: Queue, raw: redis.Redis) -> None:
        super().__init__()
        raw.flushall()
        self.queue, self.raw = queue, raw
        self.clock = Clock(raw)
        self.model = Model()
        self.numbers = 0
        self.leases: list[tuple[str, int]] = []
        self.ended: dict[str, str] = {}
        self.workers = [
            WorkerSide("w1", 4, ("p", "q")),
            WorkerSide("w2", 2, ("p",)),
            WorkerSide("w3", 4, ("p", "q")),
        ]

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    def job_id(self, pick: int) -> str:
        names = sorted(self.model.jobs)
        return names[pick % len(names)] if names else "f" * 32

    # Producing

    @initialize(wishes=st.lists(wishes, min_size=4, max_size=10))
    def submit_some(self, wishes: list[Wish]) -> None:
        self.submit(wishes)

    @rule(wishes=st.lists(wishes, min_size=1, max_size=4))
    def submit(self, wishes: list[Wish]) -> None:
        for wish in wishes:
            number = self.number()
            has = {digest for owner, digest in self.model.blobs if owner == wish.tenant}
            self._submit(wish.job(number, has))

    def _submit(self, job: NewJob) -> None:
        reply = self.queue.submit(job)
        outcome, job_id = self.model.submit(job)
        if isinstance(reply, MissingBlob):
            assert ("MISSING_BLOB", reply.digest) == (outcome, job_id)
            return
        assert isinstance(reply, Submitted | Conflict), reply
        assert (reply.outcome if isinstance(reply, Submitted) else "CONFLICT") == outcome
        assert reply.job_id == job_id

    @rule(wish=wishes)
    def submit_whether_its_inputs_are_there_or_not(self, wish: Wish) -> None:
        self._submit(wish.job(self.number(), set(PAYLOADS)))

    @precondition(lambda self: self.model.jobs)
    @rule(pick=picks, same=st.booleans())
    def submit_again(self, pick: int, *, same: bool) -> None:
        known = self.model.jobs[self.job_id(pick)].new
        self._submit(
            NewJob(
                id=f"{self.number():032x}",
                tenant=known.tenant,
                request_id=known.request_id,
                fingerprint="f" if same else "other",
                lane=Lane.BATCH,
                pool="p",
                batch_key="a",
                slots=1,
                cost=1.0,
                spec=b"",
            )
        )

    @rule(wishes=st.lists(wishes, min_size=2, max_size=4), tenant=tenants)
    def submit_equal_ones(self, wishes: list[Wish], tenant: str) -> None:
        self.submit([replace(wish, tenant=tenant, computation=COMPUTATIONS[0]) for wish in wishes])

    @precondition(lambda self: self.model.twins.flight)
    @rule(pick=picks, delete=st.booleans())
    def a_leader_is_not_wanted_any_more(self, pick: int, *, delete: bool) -> None:
        leaders = sorted(self.model.twins.flight.values())
        job_id = leaders[pick % len(leaders)]
        tenant = self.model.jobs[job_id].new.tenant
        if delete:
            assert self.queue.delete(job_id, tenant) == self.model.delete(job_id, tenant)
        else:
            reply = self.queue.cancel(job_id, tenant, "enough")
            assert reply.verdict == self.model.cancel(job_id, tenant, "enough")

    @rule(tenant=tenants, digest=digests)
    def put_blob(self, tenant: str, digest: str) -> None:
        self.clock.pass_seconds(0.002)  # no two storings and jobs in one millisecond
        self.queue.put_blob(tenant, PAYLOADS[digest])
        self.model.put_blob(tenant, digest, len(PAYLOADS[digest]), UPLOAD)

    @rule(pick=picks, tenant=tenants, reason=st.sampled_from(["", "enough"]))
    def cancel(self, pick: int, tenant: str, reason: str) -> None:
        job_id = self.job_id(pick)
        reply = self.queue.cancel(job_id, tenant, reason)
        assert reply.verdict == self.model.cancel(job_id, tenant, reason)

    @rule(pick=picks, tenant=tenants)
    def delete(self, pick: int, tenant: str) -> None:
        job_id = self.job_id(pick)
        assert self.queue.delete(job_id, tenant) == self.model.delete(job_id, tenant)

    # Working

    @rule(pick=picks, instant=st.sampled_from([0, 1, 3]))
    def claim(self, pick: int, instant: int) -> None:
        worker = self.workers[pick % len(self.workers)]
        current = worker.batch if worker.held else None
        claim = Claim(
            self.model,
            worker.pools,
            worker.free,
            worker.capacity,
            current,
            instant,
            SKEW,
            worker.by_tenant,
        )
        worker.last_claim = (f"t{self.number()}", current, worker.free, worker.by_tenant)
        expected = claim.run()
        marks = [(job.id, job.attempt) for job in expected]
        assert self._claim(worker, instant) == marks
        if marks:
            self.model.claims[worker.name] = (worker.last_claim[0], marks)
        self.leases += marks
        for job in expected:
            worker.held[job.id, job.attempt] = (job.new.tenant, job.new.slots)
            if job.where[0] is not Lane.INSTANT:
                worker.batch = BatchRef(*job.where[1:])

    def _claim(self, worker: WorkerSide, instant: int) -> list[tuple[str, int]]:
        assert worker.last_claim is not None
        token, current, free, held = worker.last_claim
        claimed = self.queue.claim(
            worker.name,
            token,
            pools=worker.pools,
            free_slots=free,
            capacity_slots=worker.capacity,
            current=current,
            held=held,
            max_instant=instant,
        )
        return [(job.id, job.attempt) for job in claimed]

    @rule(pick=picks)
    def claim_again(self, pick: int) -> None:
        worker = self.workers[pick % len(self.workers)]
        token, marks = self.model.claims.get(worker.name, ("", []))
        if worker.last_claim is None or worker.last_claim[0] != token:
            return
        kept = [mark for mark in marks if self.model.owner(*mark)]
        for mark in kept:
            self.model.jobs[mark[0]].lease = self.model.now + LEASE
        assert self._claim(worker, 0) == kept

    @rule(pick=picks)
    def a_slot_gets_free_and_the_worker_claims(self, pick: int) -> None:
        worker = self.workers[pick % len(self.workers)]
        self.claim(pick, 0)
        if len(worker.held) > 1:
            self.finish_of(next(iter(worker.held)), State.SUCCEEDED, b"")
            self.claim(pick, 0)

    @rule(pick=picks)
    def a_worker_dies_and_another_takes_over(self, pick: int) -> None:
        worker = self.workers[pick % len(self.workers)]
        worker.held.clear()
        self.clock.pass_seconds(2 * STEP)
        self.model.now += 2 * STEP
        self.reap()
        for number in range(len(self.workers)):
            self.claim(pick + 1 + number, 1)

    @precondition(lambda self: self.late())
    @rule(pick=picks, step=st.integers(6, 9))
    def a_late_worker_writes(self, pick: int, step: int) -> None:
        late = self.late()
        job_id, attempt = mark = late[pick % len(late)]
        self.beat_of([Beat(job_id, attempt, step, b"late")])
        self.hand_back_of([mark], HandBackMode.FAIL)
        self.finish_of(mark, State.SUCCEEDED, b"late")

    def late(self) -> list[tuple[str, int]]:
        """Leases that were lost to a newer attempt which is running now."""
        running = {job.id: job.attempt for job in self.model.with_state(State.RUNNING)}
        return [mark for mark in self.leases if mark[1] < running.get(mark[0], 0)]

    @precondition(lambda self: self.leases)
    @rule(chosen=st.lists(st.tuples(picks, st.integers(0, 5)), min_size=1, max_size=4))
    def beat(self, chosen: list[tuple[int, int]]) -> None:
        beats = [
            Beat(*self.leases[pick % len(self.leases)], step, b"%d" % step) for pick, step in chosen
        ]
        self.beat_of(beats)

    def beat_of(self, beats: list[Beat]) -> None:
        replies = self.queue.beat("anyone", beats)
        assert [reply.verdict for reply in replies] == [self.model.beat(beat) for beat in beats]
        for beat, reply in zip(beats, replies, strict=True):
            if reply.verdict == "LOST":
                self._let_go((beat.id, beat.attempt))

    def _let_go(self, mark: tuple[str, int]) -> None:
        for worker in self.workers:
            worker.held.pop(mark, None)

    @precondition(lambda self: self.leases)
    @rule(
        pick=picks,
        state=st.sampled_from([State.SUCCEEDED, State.FAILED, State.CANCELLED]),
        result=st.sampled_from([b"", b"picture"]),
        keep=st.sampled_from([True, True, False]),
    )
    def finish(self, pick: int, state: State, result: bytes, *, keep: bool) -> None:
        self.finish_of(self.leases[pick % len(self.leases)], state, result, keep=keep)

    def finish_of(
        self, mark: tuple[str, int], state: State, result: bytes, *, keep: bool = True
    ) -> None:
        job_id, attempt = mark
        end = Finish(id=job_id, attempt=attempt, state=state, result=result, keep=keep)
        reply = self.queue.finish(end)
        assert reply.verdict == self.model.finish(job_id, attempt, state, result, keep=keep)
        self._let_go(mark)

    @precondition(lambda self: self.shareable())
    @rule(pick=picks, wish=wishes, steps=st.sampled_from([0, 0, 7]))
    def a_result_is_had_by_two_and_the_first_is_deleted(
        self, pick: int, wish: Wish, steps: int
    ) -> None:
        running = self.shareable()
        job = running[pick % len(running)]
        tenant, computation = job.twins
        self.finish_of((job.id, job.attempt), State.SUCCEEDED, b"picture")
        self.let_time_pass(steps)
        self.submit([replace(wish, tenant=tenant, computation=computation, refresh=False)])
        assert self.queue.delete(job.id, tenant) == self.model.delete(job.id, tenant)

    def shareable(self) -> list[Entry]:
        """Jobs that run, and whose result others may have."""
        return [job for job in self.model.runs() if job.new.computation]

    @precondition(lambda self: self.leases)
    @rule(chosen=st.lists(picks, min_size=1, max_size=3), mode=st.sampled_from(HandBackMode))
    def hand_back(self, chosen: list[int], mode: HandBackMode) -> None:
        self.hand_back_of([self.leases[pick % len(self.leases)] for pick in chosen], mode)

    def hand_back_of(self, marks: list[tuple[str, int]], mode: HandBackMode) -> None:
        verdicts = self.queue.hand_back(marks, mode, reason="BROKEN")
        assert list(verdicts) == [self.model.hand_back(*mark, mode) for mark in marks]
        for mark in marks:
            self._let_go(mark)

    # Tending

    @rule()
    def reap(self) -> None:
        found = self.queue.reap(limit=1000)
        expected = self.model.reap()
        assert set(found.requeued) == expected["REQUEUED"]
        assert set(found.dead) == expected["DEAD"]
        assert set(found.cancelled) == expected["CANCELLED"]
        assert set(found.deadline_exceeded) == expected["EXPIRED"]
        assert set(found.forgotten) == expected["FORGOTTEN"]

    @rule(pick=picks)
    def requeue_dead(self, pick: int) -> None:
        dead = sorted(job.id for job in self.model.jobs.values() if job.dead)
        job_id = dead[pick % len(dead)] if dead else self.job_id(pick)
        assert self.queue.requeue_dead(job_id) == self.model.requeue_dead(job_id)
        self.ended.pop(job_id, None)

    @rule(steps=st.integers(1, 3))
    def let_time_pass(self, steps: int) -> None:
        self.clock.pass_seconds(steps * STEP)
        self.model.now += steps * STEP

    # Always

    @invariant()
    def redis_holds_what_the_model_says(self) -> None:
        view = redis_view(self.raw)
        assert view == model_view(self.model)
        # And apart from the model: a job that has ended stays as it has ended.
        for name, (state, *_) in view.get("job", {}).items():
            if State(state).terminal:
                assert self.ended.setdefault(name, state) == state
            else:
                assert name not in self.ended

    def teardown(self) -> None:
        """Whatever happened, it can be brought to an end that leaves nothing behind."""
        for job_id, job in list(self.model.jobs.items()):
            self.queue.delete(job_id, job.new.tenant)
        self.clock.pass_seconds(UPLOAD + STEP)
        self.queue.reap(limit=1000)
        left = set(map(kind, names(self.raw)))
        assert left <= {*MEMORIES, "clock_offset", "blob", "wanted", "known"}
