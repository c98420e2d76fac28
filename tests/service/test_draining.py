"""The orderly end of a server, seen by those who are on it."""

import asyncio
from collections.abc import Awaitable, Callable

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from preimage.v1 import preimage_pb2 as preimages
from preimage.v1.preimage_service_pb2 import (
    GetPreimageRequest,
    InvertRequest,
    WatchPreimageRequest,
)
from preimage_queue import QueueSettings, State
from preimage_service.draining import drain
from tests.service.patience import eventually
from tests.service.rich import read, refused
from tests.service.specs import create, from_code
from tests.service.stack import Stack, running
from tests.service.test_inverting import claimed_by
from tests.service.worker import FakeWorker


async def _drained(stack: Stack) -> None:
    async with asyncio.timeout(60):
        await drain(stack.backend, stack.servers)


async def test_watchers_are_sent_elsewhere_at_the_end(stack: Stack, worker: FakeWorker) -> None:
    made = (await stack.preimages.CreatePreimage(create())).preimage
    call = stack.preimages.WatchPreimage(WatchPreimageRequest(id=made.id))
    assert (await anext(aiter(call))).state == preimages.STATE_QUEUED
    drained = asyncio.create_task(_drained(stack))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in call:
            pass
    assert read(caught.value).reason == "DRAINING"
    assert read(caught.value).retry_seconds == 1.0
    await drained


async def test_a_call_that_can_end_in_the_grace_does(
    queue_settings: QueueSettings, worker: FakeWorker
) -> None:
    async with running(queue_settings, drain_grace_seconds=60.0) as stack:
        call = stack.preimages.Invert(InvertRequest(spec=from_code()))
        claimed = await claimed_by(worker)
        drained = asyncio.create_task(_drained(stack))
        await eventually(lambda: refused_creation(stack))
        worker.succeed(claimed)
        assert (await call).preimage.state == preimages.STATE_SUCCEEDED
        await drained


async def refused_creation(stack: Stack) -> bool:
    """Whether new work is refused by now, while reading still works."""
    try:
        await stack.preimages.CreatePreimage(create())
    except grpc.aio.AioRpcError as error:
        assert read(error).reason == "DRAINING"  # noqa: PT017  either answer is right
        missing = stack.preimages.GetPreimage(GetPreimageRequest(id="a" * 32))
        assert (await refused(missing)).reason == "PREIMAGE_NOT_FOUND"
        return True
    return False


@pytest.mark.parametrize(("request_id", "survives"), [("known", True), ("", False)])
async def test_an_invert_that_cannot_end_leaves_a_job_only_if_it_can_be_found_again(
    stack: Stack,
    worker: FakeWorker,
    request_id: str,
    survives: bool,  # noqa: FBT001
) -> None:
    call = stack.preimages.Invert(InvertRequest(spec=from_code(), request_id=request_id))
    waiting = asyncio.ensure_future(refused(call))
    claimed = await claimed_by(worker)
    await _drained(stack)
    assert (await waiting).reason == "DRAINING"
    await asyncio.gather(*stack.backend._afterwards)
    detail = await stack.backend.queue.get_job(claimed.id, claimed.tenant)
    assert detail is not None
    assert detail.job.state is State.RUNNING
    assert detail.job.cancel_requested is not survives


async def test_health_says_so_from_the_first_moment_and_never_takes_it_back(
    queue_settings: QueueSettings,
) -> None:
    async with running(queue_settings, drain_pause_seconds=0.5) as stack:
        stub = health_pb2_grpc.HealthStub(stack.channel)
        request = health_pb2.HealthCheckRequest()
        watch = stub.Watch(request)

        async def seen() -> int:
            return int((await anext(aiter(watch))).status)

        await eventually(lambda: seen_is(seen, health_pb2.HealthCheckResponse.SERVING))
        drained = asyncio.create_task(_drained(stack))
        assert await seen() == health_pb2.HealthCheckResponse.NOT_SERVING
        await drained
        with pytest.raises((grpc.aio.AioRpcError, StopAsyncIteration)):
            await seen()


async def seen_is(seen: Callable[[], Awaitable[int]], status: int) -> bool:
    return await seen() == status
