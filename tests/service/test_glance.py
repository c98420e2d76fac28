"""Refusals at the door: while the queue is full, before anything of a request is read or stored."""

from collections.abc import Awaitable, Callable

import grpc
import pytest
import redis

from preimage.v1 import model_service_pb2 as models
from preimage.v1 import preimage_service_pb2 as wire
from preimage.v1 import spec_pb2 as specs
from preimage.v1 import tensor_pb2 as tensors
from preimage_queue import QueueSettings, RejectReason
from preimage_service.doubts import Doubts
from tests.queue.helpers import quick
from tests.service.rich import Rich, refused
from tests.service.specs import code, create, from_code, from_picture, png
from tests.service.stack import Stack
from tests.service.worker import FakeWorker

NOT_READ = from_picture(b"no picture at all")
"""Whoever reads it finds that out."""


@pytest.fixture
def queue_settings(redis_url: str) -> QueueSettings:
    """A queue that takes one job."""
    return quick(redis_url, max_queued_jobs=1)


@pytest.fixture
async def full(stack: Stack, worker: FakeWorker) -> Stack:
    """A frontend whose queue is full and has refused somebody."""
    await stack.preimages.CreatePreimage(create(from_code(), "first"))
    await refused(stack.preimages.CreatePreimage(create(from_code(code(4, 8, 8, dtype="<f8")))))
    return stack


def stored(redis_url: str) -> int:
    with redis.Redis.from_url(redis_url) as raw:
        return sum(1 for _ in raw.scan_iter("{preimage}:blob:*"))


def _assert_full(error: Rich) -> None:
    assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL")
    assert error.quotas == ["queue"]
    assert error.retry_seconds is not None
    assert error.pushback_ms == round(error.retry_seconds * 1000)


def _create(stack: Stack) -> Awaitable[object]:
    return stack.preimages.CreatePreimage(create(NOT_READ))


def _invert(stack: Stack) -> Awaitable[object]:
    return stack.preimages.Invert(wire.InvertRequest(spec=NOT_READ))


def _extract(stack: Stack) -> Awaitable[object]:
    wanted = specs.Representation(model="toy", layer="conv")
    picture = NOT_READ.target.picture
    request = models.ExtractFeaturesRequest(picture=picture, representation=wanted)
    return stack.models.ExtractFeatures(request)


@pytest.mark.parametrize("call", [_create, _invert, _extract])
async def test_a_full_queue_refuses_before_it_reads(
    full: Stack, call: Callable[[Stack], Awaitable[object]]
) -> None:
    name = "preimage_admission_rejections_total"
    before = full.metric(name, reason="QUEUED_JOBS") or 0
    _assert_full(await refused(call(full)))
    assert full.metric(name, reason="QUEUED_JOBS") == before + 1


async def test_what_is_refused_is_not_stored(full: Stack, redis_url: str) -> None:
    before = stored(redis_url)
    for number in range(3):
        _assert_full(
            await refused(full.preimages.CreatePreimage(create(from_code(_other(number)))))
        )
    assert stored(redis_url) == before


def _other(number: int) -> tensors.Tensor:
    tensor = code(4, 8, 8)
    tensor.data = bytes([number]) * len(tensor.data)
    return tensor


async def test_mistakes_in_the_fields_are_told_all_the_same(full: Stack) -> None:
    request = create(from_code())
    request.spec.stopping.target_error = -1
    error = await refused(full.preimages.CreatePreimage(request))
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_repeated_request_is_answered_however_full_the_queue_is(full: Stack) -> None:
    answer = await full.preimages.CreatePreimage(create(from_code(), "first"))
    assert answer.existed


async def test_a_service_with_room_again_takes_jobs_at_once(
    full: Stack, worker: FakeWorker
) -> None:
    worker.must_claim()
    assert (await full.preimages.CreatePreimage(create(from_picture(png())))).preimage.id


async def test_a_service_that_refused_nobody_reads_first(stack: Stack, worker: FakeWorker) -> None:
    await stack.preimages.CreatePreimage(create(from_code()))
    error = await refused(stack.preimages.CreatePreimage(create(NOT_READ)))
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT


def test_doubts_last_for_a_moment_and_concern_whom_the_refusal_did() -> None:
    now = [0.0]
    doubts = Doubts(lambda: now[0])
    doubts.note("ada", RejectReason.TOO_WIDE)
    assert not doubts.concern("ada")
    doubts.note("ada", RejectReason.TENANT_JOBS)
    assert (doubts.concern("ada"), doubts.concern("bob")) == (True, False)
    now[0] = 6.0
    assert not doubts.concern("ada")
    doubts.note("ada", RejectReason.QUEUED_JOBS)
    assert (doubts.concern("ada"), doubts.concern("bob")) == (True, True)


def test_doubts_about_many_tenants_are_bounded() -> None:
    doubts = Doubts(lambda: 0.0)
    for number in range(1001):
        doubts.note(f"tenant-{number}", RejectReason.TENANT_BYTES)
    assert not doubts.concern("tenant-0")
    assert doubts.concern("tenant-1000")
