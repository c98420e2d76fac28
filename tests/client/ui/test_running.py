"""Orders, the jobs that they become, and what happens to them when nobody waits any more."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import final

import pytest

from preimage import AsyncClient, JobCancelled, Preview, Progress
from preimage.jobs import AsyncJob
from preimage.ui.running import CLOSED, Order, follow, run
from preimage.v1 import preimage_pb2
from tests.client import messages
from tests.client.fake import FakeServer, FakeService

CANCELLED = preimage_pb2.STATE_CANCELLED
PATIENCE_SECONDS = 30.0


@final
class Noting:
    """A follower that writes down what it hears."""

    def __init__(self) -> None:
        self.job: AsyncJob | None = None
        self.heard: list[Progress | Preview] = []
        self.began = asyncio.Event()

    def accepted(self, job: AsyncJob) -> None:
        self.job = job

    def progress(self, progress: Progress) -> None:
        self.heard.append(progress)
        self.began.set()

    def preview(self, preview: Preview) -> None:
        self.heard.append(preview)


@pytest.fixture
async def asking(server: FakeServer) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(server.target) as client:
        yield client


@pytest.fixture
def order() -> Order:
    return Order(messages.png(), "hog", "hog", {"steps": 20})


async def test_an_order_is_followed_to_its_result(
    asking: AsyncClient, service: FakeService, order: Order
) -> None:
    noting = Noting()
    result = await run(asking, order, noting)
    assert noting.job is not None
    assert noting.job.id == result.id
    assert [type(each) for each in noting.heard] == [Progress, Preview, Progress]
    (request,) = service.requests["CreatePreimage"]
    assert request.spec.optimiser.steps == 20
    assert request.spec.progress.preview_every_steps == 10


async def test_who_stops_waiting_for_an_order_cancels_its_job(
    asking: AsyncClient, service: FakeService, order: Order
) -> None:
    held = threading.Event()
    service.gate = lambda _: held.wait(PATIENCE_SECONDS)
    noting = Noting()
    task = asyncio.create_task(run(asking, order, noting))
    await noting.began.wait()
    task.cancel()
    await asyncio.wait([task])
    held.set()
    (job,) = service.jobs.values()
    assert (job.state, job.cancel_reason) == (CANCELLED, CLOSED)


async def test_who_stops_looking_at_a_job_leaves_it_alone(
    asking: AsyncClient, service: FakeService, order: Order
) -> None:
    held = threading.Event()
    service.gate = lambda _: held.wait(PATIENCE_SECONDS)
    job = await asking.submit(order.source, model="hog", layer="hog")
    noting = Noting()
    task = asyncio.create_task(follow(job, noting))
    await noting.began.wait()
    task.cancel()
    await asyncio.wait([task])
    held.set()
    assert service.requests["CancelPreimage"] == []


async def test_an_order_that_somebody_cancels_ends_as_that(
    asking: AsyncClient, service: FakeService, order: Order
) -> None:
    def cancel(job: preimage_pb2.Preimage) -> None:
        job.state, job.cancel_reason = CANCELLED, "Enough."

    service.end = cancel
    with pytest.raises(JobCancelled, match="Enough"):
        await run(asking, order, Noting())
    assert service.requests["CancelPreimage"] == []
