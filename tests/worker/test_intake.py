"""What happens to a job between its claim and the batch."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from preimage.v1 import work_pb2
from preimage_queue import (
    Announced,
    Claimed,
    Finish,
    FinishReply,
    FinishVerdict,
    NewJob,
    Queue,
    QueueError,
    QueueSettings,
    QueueUnavailableError,
    Reaped,
    State,
)
from preimage_queue import Lane as QueueLane
from preimage_worker import courier as courier_module
from preimage_worker.announcing import Profile
from preimage_worker.courier import Courier
from preimage_worker.intake import Intake
from preimage_worker.jobs import Failed, Stopped, Ticket
from preimage_worker.mailbox import Mailbox, Offer
from preimage_worker.pictures import Limits
from tests.redis_server import RedisServer
from tests.worker import jobs
from tests.worker.process import TENANT

PATIENCE_SECONDS = 60.0


@dataclass
class Blobs:
    """A queue that keeps blobs, and is away for the first calls."""

    outages: int = 0
    held: dict[str, bytes] = field(default_factory=lambda: {"picture": jobs.picture()})

    def read_blob(self, _tenant: str, digest: str) -> bytes | None:
        if self.outages:
            self.outages -= 1
            raise QueueUnavailableError("away")
        return self.held.get(digest)


@dataclass
class Desk:
    """An intake, what it takes from, and what it delivers to."""

    blobs: Blobs = field(default_factory=Blobs)
    mailbox: Mailbox = field(default_factory=Mailbox)
    lost: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        limits = Limits.of(jobs.settings())
        self.intake = Intake(self.blobs, self.mailbox, limits, self.holds)  # type: ignore[arg-type]

    def holds(self, ticket: Ticket) -> bool:
        return ticket.id not in self.lost

    def delivered(self) -> list[str]:
        until(lambda: not self.intake.busy)
        return [each.ticket.id for each in self.mailbox.collect(0)[0]]


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    made.intake.start()
    yield made
    made.intake.close()


def until(done: Callable[[], bool]) -> None:
    limit = time.monotonic() + PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < limit
        time.sleep(0.01)


def claimed(name: str, item: work_pb2.WorkItem | None = None, blobs: str = "picture") -> Claimed:
    spec = (item or jobs.inversion()).SerializeToString()
    facts = dict.fromkeys(Claimed.__dataclass_fields__)
    facts |= {"id": name, "attempt": 1, "tenant": TENANT, "spec": spec, "blobs": (blobs,)}
    facts |= {"now_ms": 2000, "created_ms": 1000, "trace": ""}
    return Claimed(**facts)  # type: ignore[arg-type]


def test_jobs_are_delivered_in_their_order_with_their_pictures_decoded(desk: Desk) -> None:
    for name in "abc":
        desk.intake.take(claimed(name))
    until(lambda: not desk.intake.busy)
    deliveries, _ = desk.mailbox.collect(0)
    assert [each.ticket.id for each in deliveries] == ["a", "b", "c"]
    assert all(each.sent is not None for each in deliveries)
    assert {each.sent.shape for each in deliveries if each.sent is not None} == {(32, 32, 3)}


def test_an_outage_of_the_queue_loses_no_job(desk: Desk) -> None:
    desk.blobs.outages = 2
    for name in "ab":
        desk.intake.take(claimed(name))
    assert desk.delivered() == ["a", "b"]


def test_a_job_whose_input_cannot_be_read_fails_and_the_next_is_delivered(desk: Desk) -> None:
    desk.blobs.held["noise"] = b"no picture"
    broken = jobs.inversion()
    broken.encoded_picture_digest = "noise"
    desk.intake.take(claimed("broken", broken, "noise"))
    desk.intake.take(claimed("gone", blobs="elsewhere"))
    desk.intake.take(claimed("good"))
    assert desk.delivered() == ["good"]
    settled = desk.mailbox.take_settlements()
    assert all(isinstance(each, Failed) for each in settled)
    words = [str(each.error) for each in settled if isinstance(each, Failed)]
    assert "is not a PNG, JPEG or WebP file" in words[0]
    assert "is not in the queue any more" in words[1]


def test_a_job_whose_lease_was_lost_meanwhile_is_not_delivered(desk: Desk) -> None:
    desk.lost.add("late")
    desk.intake.take(claimed("late"))
    desk.intake.take(claimed("good"))
    assert desk.delivered() == ["good"]


class Refusing:
    """A queue that refuses at once whatever ends a job, until it is told to take it."""

    def __init__(self) -> None:
        self.refusals = 0
        self.takes = False

    def finish(self, _end: Finish, **_named: object) -> FinishReply:
        if not self.takes:
            self.refusals += 1
            raise QueueError("MISCONF")
        return FinishReply(FinishVerdict.ACCEPTED)

    def __getattr__(self, name: str) -> object:
        answers = {"announce": Announced(drain=False, unknown_models=()), "reap": Reaped(*5 * [()])}
        return lambda *_args, **_named: answers.get(name, ())


def test_a_courier_asks_a_queue_that_refuses_at_once_no_more_than_it_rests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queue, mailbox, settings = Refusing(), Mailbox(), jobs.settings()
    rests: list[float] = []

    def rest(seconds: float) -> None:
        rests.append(seconds)
        queue.takes = len(rests) == 5

    monkeypatch.setattr(
        courier_module, "time", SimpleNamespace(monotonic=time.monotonic, sleep=rest)
    )
    profile = Profile("worker", "cpu", 1, 0.0)
    courier = Courier(queue, mailbox, jobs.models(), settings, profile)  # type: ignore[arg-type]
    mailbox.offer(Offer(1, 1, 0, 0.0))  # stays there, as `claim` is not reached
    mailbox.report([], [Stopped(Ticket("job", 1, TENANT))])
    courier.start()
    until(lambda: queue.takes)
    courier.close(PATIENCE_SECONDS)
    assert queue.refusals == len(rests) == 5


def test_a_worker_that_stops_hands_back_uncounted_what_it_claimed_and_never_ran() -> None:
    models = jobs.models()
    with RedisServer() as server, Queue(QueueSettings(url=server.url)) as queue:
        mailbox, settings = Mailbox(), jobs.settings()
        profile = Profile("worker", "cpu", 1, 0.0)
        courier = Courier(queue, mailbox, models, settings, profile)
        courier.start()
        ref = queue.put_blob(TENANT, jobs.picture())
        item = jobs.inversion()
        item.encoded_picture_digest = ref.digest  # type: ignore[union-attr]
        pool = next(each for each in models.pools() if each.startswith("tiny@"))
        job = NewJob(
            tenant=TENANT,
            request_id="one",
            fingerprint="one",
            lane=QueueLane.INTERACTIVE,
            pool=pool,
            batch_key=pool,
            slots=1,
            cost=1.0,
            spec=item.SerializeToString(),
            blobs=(ref.digest,),  # type: ignore[union-attr]
        )
        queue.submit(job)
        mailbox.offer(Offer(1, 1, 0, 0.0))
        until(lambda: courier.active == 1)
        courier.close(PATIENCE_SECONDS)
        found = queue.get_job(job.id, TENANT)
        assert found is not None
        assert found.job.state is State.QUEUED
        assert found.job.deliveries == 0
