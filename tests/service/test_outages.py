"""Redis goes away and comes back: calls are refused, waiting ones wait, health tells."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from preimage.v1 import preimage_pb2 as preimages
from preimage.v1.preimage_service_pb2 import (
    GetPreimageRequest,
    InvertRequest,
    WatchPreimageRequest,
)
from preimage_queue import Queue, QueueSettings
from preimage_service.serving import LIVENESS
from tests.redis_server import RedisServer
from tests.service.patience import eventually
from tests.service.rich import read, refused
from tests.service.specs import create, from_code
from tests.service.stack import Stack, running
from tests.service.test_inverting import claimed_by
from tests.service.worker import FakeWorker

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture
def mortal() -> Iterator[RedisServer]:
    """A Redis that keeps what it accepts, to be killed and started again."""
    with RedisServer("--appendfsync", "always", append_only=True) as server:
        yield server


@pytest.fixture
def queue_settings(queue_settings: QueueSettings, mortal: RedisServer) -> QueueSettings:
    return replace(queue_settings, url=mortal.url)


@pytest.fixture
async def patient(queue_settings: QueueSettings) -> AsyncIterator[Stack]:
    """A frontend that bridges any outage of these tests."""
    async with running(queue_settings, outage_seconds=600.0) as stack:
        yield stack


async def _health(channel: grpc.aio.Channel, service: str = "") -> int:
    stub = health_pb2_grpc.HealthStub(channel)
    response = await stub.Check(health_pb2.HealthCheckRequest(service=service))
    return int(response.status)


async def _becomes(channel: grpc.aio.Channel, status: int) -> None:
    async def reached() -> bool:
        return await _health(channel) == status

    await eventually(reached)


async def test_health_follows_redis_on_both_ports(patient: Stack, mortal: RedisServer) -> None:
    for channel in (patient.channel, patient.operator_channel):
        await _becomes(channel, SERVING)
    assert await _health(patient.channel, "preimage.v1.PreimageService") == SERVING
    mortal.kill()
    for channel in (patient.channel, patient.operator_channel):
        await _becomes(channel, NOT_SERVING)
    assert await _health(patient.channel, "preimage.v1.PreimageService") == NOT_SERVING
    assert await _health(patient.channel, "preimage.v1.ModelService") == NOT_SERVING
    assert await _health(patient.channel, LIVENESS) == SERVING
    mortal.start()
    await _becomes(patient.channel, SERVING)


async def test_jobs_are_there_when_redis_is_back(
    patient: Stack, mortal: RedisServer, worker: FakeWorker
) -> None:
    made = (await patient.preimages.CreatePreimage(create())).preimage
    mortal.kill()
    request = GetPreimageRequest(id=made.id)
    assert (await refused(patient.preimages.GetPreimage(request))).reason == "QUEUE_UNAVAILABLE"
    mortal.start()
    assert (await patient.preimages.GetPreimage(request)).preimage == made


async def test_a_watch_survives_a_restart_and_sees_no_event_twice(
    patient: Stack, mortal: RedisServer, worker: FakeWorker
) -> None:
    made = (await patient.preimages.CreatePreimage(create())).preimage
    claimed = worker.must_claim()
    worker.progress(claimed, 1)
    call = patient.preimages.WatchPreimage(WatchPreimageRequest(id=made.id))
    steps: list[int] = []
    async for message in call:
        if message.HasField("progress"):
            steps.append(message.progress.step)
            break
    mortal.kill()
    await asyncio.sleep(0.3)
    mortal.start()
    worker.progress(claimed, 2)
    worker.succeed(claimed)
    async for message in call:
        if message.HasField("progress"):
            steps.append(message.progress.step)
    assert steps == [1, 2]
    assert message.finished.state == preimages.STATE_SUCCEEDED


async def test_a_waiting_invert_survives_a_restart(
    patient: Stack, mortal: RedisServer, worker: FakeWorker
) -> None:
    call = patient.preimages.Invert(InvertRequest(spec=from_code()))
    claimed = await claimed_by(worker)
    mortal.kill()
    await asyncio.sleep(0.3)
    mortal.start()
    worker.succeed(claimed)
    assert (await call).preimage.state == preimages.STATE_SUCCEEDED


async def test_a_watch_gives_up_when_redis_stays_away(
    queue_settings: QueueSettings, mortal: RedisServer, worker: FakeWorker
) -> None:
    async with running(queue_settings, outage_seconds=0.1) as stack:
        made = (await stack.preimages.CreatePreimage(create())).preimage
        call = stack.preimages.WatchPreimage(WatchPreimageRequest(id=made.id))
        token = (await anext(aiter(call))).resume_token
        mortal.kill()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in call:
                pass
        error = read(caught.value)
        assert (error.code, error.reason) == (
            grpc.StatusCode.UNAVAILABLE,
            "QUEUE_UNAVAILABLE",
        )
        assert error.retry_seconds == 1.0
        mortal.start()
        again = stack.preimages.WatchPreimage(WatchPreimageRequest(id=made.id, resume_token=token))
        assert (await anext(aiter(again))).state == preimages.STATE_QUEUED
        again.cancel()


async def test_jobs_of_a_dead_worker_are_reaped_by_the_frontend(
    queue_settings: QueueSettings,
) -> None:
    hasty = replace(queue_settings, lease_seconds=0.05)
    with Queue(hasty) as queue:
        worker = FakeWorker(queue)
        worker.announce()
        async with running(hasty) as stack:
            made = (await stack.preimages.CreatePreimage(create())).preimage
            worker.must_claim()
            request = GetPreimageRequest(id=made.id)

            async def queued_again() -> bool:
                job = (await stack.preimages.GetPreimage(request)).preimage
                return job.state == preimages.STATE_QUEUED

            await eventually(queued_again)
            assert worker.must_claim().deliveries == 1
