"""Inversions as jobs of the queue, when the auditor changes in the middle of a budget."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NoReturn, cast

import pytest
import torch

from preimage.v1 import work_pb2
from preimage_queue import Claimed, Queue, Quotas, State
from preimage_worker.audit.inverter import Attempt
from preimage_worker.auditor import inverting
from preimage_worker.auditor.auditing import Tools, audit
from preimage_worker.auditor.errors import CancelledError, InversionFailedError, LeavingError
from preimage_worker.auditor.inverting import QueueInverter
from preimage_worker.auditor.ordering import request_id
from preimage_worker.pictures import Limits
from tests.worker import jobs
from tests.worker.auditor.auditing import inversions, of, spec, submit
from tests.worker.process import TENANT, queue_at

if TYPE_CHECKING:
    from preimage_worker.auditor.hold import Hold

LIMITS = Limits(sent=10_000, sought=10_000)


@pytest.fixture
def queue(redis_url: str) -> Iterator[Queue]:
    with queue_at(redis_url) as queue:
        yield queue


@pytest.fixture
def claimed(queue: Queue) -> Claimed:
    """An audit that has been taken up."""
    submit(queue, spec())
    (job,) = queue.claim("auditor", "token", pools=("audit",), free_slots=1, capacity_slots=1)
    return job


class Impatient:
    """A hold whose auditor leaves at the first pause, or the one after something has happened."""

    def __init__(self, happens: Callable[[], object] | None = None) -> None:
        self.happens = happens
        self.cancelled = False
        self.told: list[str] = []

    def check(self) -> None: ...

    def confirm(self) -> None:
        if self.cancelled:
            raise CancelledError

    def pause(self, seconds: float) -> None:
        if self.happens is None:
            raise LeavingError
        self.happens()
        self.happens = None

    def tell(self, *, doing: str = "", **_: object) -> None:
        self.told += [doing] if doing else []


class Patient(Impatient):
    """A hold whose auditor leaves after some pauses."""

    def __init__(self, pauses: int) -> None:
        super().__init__()
        self.pauses = pauses

    def pause(self, seconds: float) -> None:
        self.pauses -= 1
        if self.pauses < 0:
            raise LeavingError


def attempts() -> list[Attempt]:
    return [
        Attempt(
            name=f"features.3/none/A3/0/{factor}/4/0",
            layer="features.3",
            height=jobs.SIDE,
            width=jobs.SIDE,
            target=torch.rand(128, 7, 7),
            bounds=None,
            defence=None,
            preset="auto",
            steps=4,
            prior_factor=factor,
            restart=0,
            seed=1,
        )
        for factor in (0.001, 0.1)
    ]


def budget(
    queue: Queue,
    claimed: Claimed,
    hold: Impatient,
    quotas: Quotas | None = None,
    seed: int = 0,
) -> None:
    """One auditor begins a budget, and leaves when it has asked for all of it."""
    model = jobs.models().served("tiny").announcement
    inverter = QueueInverter(
        queue, claimed, model, cast("Hold", hold), LIMITS, quotas=quotas or Quotas(), weight=1.0
    )
    torch.manual_seed(seed)
    inverter.invert(attempts())


def asked_for(
    queue: Queue, claimed: Claimed, hold: Impatient | None = None, seed: int = 0
) -> set[str]:
    with pytest.raises(LeavingError):
        budget(queue, claimed, hold or Impatient(), seed=seed)
    return {job.id for job in of(queue, claimed.id)}


def test_whoever_takes_over_finds_the_inversions_of_the_budget_at_hand(
    queue: Queue, claimed: Claimed
) -> None:
    first = asked_for(queue, claimed)
    assert len(first) == 2
    assert asked_for(queue, claimed) == first


def test_an_inversion_that_another_auditor_has_removed_is_asked_for_again(
    queue: Queue, claimed: Claimed
) -> None:
    first = asked_for(queue, claimed)

    def late_auditor_removes_them() -> None:
        for job in first:
            queue.delete(job, TENANT)

    second = asked_for(queue, claimed, Impatient(late_auditor_removes_them))
    assert len(second) == 2
    assert second.isdisjoint(first)


def test_inversions_of_the_codes_of_another_device_are_replaced(
    queue: Queue, claimed: Claimed
) -> None:
    first = asked_for(queue, claimed)
    second = asked_for(queue, claimed, Patient(2), seed=1)
    assert len(second) == 2
    assert second.isdisjoint(first)


def test_inversions_of_another_engine_are_not_taken_for_ones_own() -> None:
    names = {request_id("a" * 32, "features.3/none/A3", engine) for engine in ("3", "4")}
    assert len(names) == 2


def test_a_cancelled_inversion_is_a_failure_only_if_the_audit_goes_on(
    queue: Queue, claimed: Claimed
) -> None:
    for job in asked_for(queue, claimed):
        queue.cancel(job, TENANT, "enough")
    assert {job.state for job in of(queue, claimed.id)} == {State.CANCELLED}
    hold = Impatient()
    with pytest.raises(InversionFailedError, match="CANCELLED"):
        budget(queue, claimed, hold)
    hold.cancelled = True
    with pytest.raises(CancelledError):
        budget(queue, claimed, hold)


def test_what_redis_cannot_take_ends_the_audit_with_a_sentence(
    queue: Queue, claimed: Claimed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inverting, "_MOST_BYTES", 1000)
    with pytest.raises(InversionFailedError, match="in one piece"):
        budget(queue, claimed, Impatient())


@pytest.mark.parametrize("met", [RuntimeError("a bug"), InversionFailedError(), CancelledError()])
def test_an_audit_that_ends_or_goes_back_to_the_queue_leaves_no_inversion(
    queue: Queue, claimed: Claimed, met: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug sends it back, and whoever takes it up asks again. They are of its pictures."""
    asked: list[str] = []

    def look(inverter: QueueInverter, running: dict[str, Attempt]) -> NoReturn:
        asked.extend(running)
        raise met

    monkeypatch.setattr(QueueInverter, "_look", look)
    tools = Tools(queue, jobs.models(), torch.device("cpu"), LIMITS)
    work = work_pb2.WorkItem.FromString(claimed.spec).audit
    with pytest.raises(type(met)):
        audit(tools, claimed, work, cast("Hold", Impatient()))
    assert asked
    assert not inversions(queue, claimed.id)


CODE_BYTES = 4 * 128 * 7 * 7


@pytest.mark.parametrize("more", [-1, 1])
def test_a_quota_that_has_no_room_for_one_inversion_ends_the_audit_and_names_itself(
    queue: Queue, claimed: Claimed, more: int
) -> None:
    """With room for the code alone it is the job that is refused."""
    with pytest.raises(InversionFailedError, match=rf"bytes_queued is {CODE_BYTES + more}\."):
        budget(queue, claimed, Impatient(), Quotas(bytes_queued=CODE_BYTES + more))


def test_a_quota_that_has_room_for_one_inversion_is_waited_for(
    queue: Queue, claimed: Claimed
) -> None:
    room = Quotas(bytes_queued=CODE_BYTES + 2000)
    with pytest.raises(LeavingError):
        budget(queue, claimed, Impatient(), room)
    assert len(of(queue, claimed.id)) == 1


def test_watchers_hear_when_an_audit_waits_for_the_queue_no_more(
    queue: Queue, claimed: Claimed
) -> None:
    def room_is_made() -> None:
        (first,) = of(queue, claimed.id)
        queue.cancel(first.id, TENANT, "enough")

    hold = Impatient(room_is_made)
    with pytest.raises(InversionFailedError, match="CANCELLED"):
        budget(queue, claimed, hold, Quotas(bytes_queued=CODE_BYTES + 2000))
    waiting, after = hold.told
    assert waiting.startswith("waiting for the queue: ")
    assert after == "inverting codes"
