"""Invert: one call from a code to pictures, whose job does not outlive its caller."""

import asyncio

import grpc
import pytest

from preimage.v1 import preimage_pb2 as preimages
from preimage.v1 import tensor_pb2 as tensors
from preimage.v1.preimage_service_pb2 import InvertRequest, ListPreimagesRequest
from preimage_queue import Claimed, Lane, QueueSettings
from tests.service.patience import eventually
from tests.service.rich import refused
from tests.service.specs import from_code
from tests.service.stack import Stack, running
from tests.service.worker import PNG, FakeWorker


async def claimed_by(worker: FakeWorker) -> Claimed:
    """The next job, as soon as there is one."""
    claimed: Claimed = await eventually(worker.claim)
    return claimed


async def _state(stack: Stack) -> preimages.State.ValueType:
    """The state of the only job."""
    (only,) = (await stack.preimages.ListPreimages(ListPreimagesRequest())).preimages
    return only.state


async def test_the_pictures_come_back_in_the_order_of_the_restarts(
    stack: Stack, worker: FakeWorker
) -> None:
    spec = from_code()
    spec.restarts = 3
    call = stack.preimages.Invert(InvertRequest(spec=spec, include_float=True))
    claimed = await claimed_by(worker)
    assert (claimed.lane, claimed.slots) == (Lane.INTERACTIVE, 3)
    worker.succeed(claimed)
    response = await call
    assert response.preimage.state == preimages.STATE_SUCCEEDED
    assert list(response.pictures) == [PNG + b"0", PNG + b"1", PNG + b"2"]
    assert [picture.data[:1] for picture in response.float_pictures] == [b"\0", b"\1", b"\2"]
    assert list(response.float_pictures[2].shape) == [3, 8, 8]
    assert response.float_pictures[0].dtype == tensors.DATA_TYPE_FLOAT32
    assert response.server_limit.seconds == 600


async def test_floats_come_only_if_asked_for(stack: Stack, worker: FakeWorker) -> None:
    call = stack.preimages.Invert(InvertRequest(spec=from_code()))
    worker.succeed(await claimed_by(worker))
    response = await call
    assert len(response.pictures) == 1
    assert not response.float_pictures


async def test_floats_that_make_the_response_too_large_are_refused_before_the_work(
    queue_settings: QueueSettings, worker: FakeWorker
) -> None:
    async with running(queue_settings, maximum_message_bytes=2000) as stack:
        spec = from_code()
        spec.restarts = 3
        request = InvertRequest(spec=spec, include_float=True)
        error = await refused(stack.preimages.Invert(request))
        assert "DownloadResult" in error.fields["include_float"]
        assert worker.claim() is None


async def test_a_job_that_fails_is_an_answer_with_its_error(
    stack: Stack, worker: FakeWorker
) -> None:
    call = stack.preimages.Invert(InvertRequest(spec=from_code()))
    worker.fail(await claimed_by(worker), "DIVERGED")
    response = await call
    assert response.preimage.state == preimages.STATE_FAILED
    assert response.preimage.error.message == "It ended with DIVERGED."
    assert not response.pictures


async def test_a_caller_who_goes_away_takes_a_queued_job_along(
    stack: Stack, worker: FakeWorker
) -> None:
    call = stack.preimages.Invert(InvertRequest(spec=from_code()))

    async def there() -> bool:
        return bool((await stack.preimages.ListPreimages(ListPreimagesRequest())).preimages)

    task = asyncio.ensure_future(call)
    await eventually(there)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async def cancelled() -> bool:
        return await _state(stack) == preimages.STATE_CANCELLED

    await eventually(cancelled)


async def test_a_caller_whose_deadline_passes_stops_a_running_job(
    stack: Stack, worker: FakeWorker
) -> None:
    call = stack.preimages.Invert(InvertRequest(spec=from_code()), timeout=1.0)
    claimed = await claimed_by(worker)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED

    async def asked_to_stop() -> bool:
        detail = await stack.backend.queue.get_job(claimed.id, claimed.tenant)
        return detail is not None and detail.job.cancel_requested

    await eventually(asked_to_stop)


async def test_callers_who_go_away_at_any_moment_leave_no_job_behind(
    stack: Stack, worker: FakeWorker
) -> None:
    calls = []
    for number in range(30):
        call = stack.preimages.Invert(InvertRequest(spec=from_code()))
        task = asyncio.ensure_future(call)
        await asyncio.sleep(number * 0.0005)
        call.cancel()
        calls.append(task)
    await asyncio.gather(*calls, return_exceptions=True)

    async def all_gone() -> bool:
        jobs = (await stack.preimages.ListPreimages(ListPreimagesRequest())).preimages
        return all(job.state == preimages.STATE_CANCELLED for job in jobs)

    await eventually(all_gone)
    assert worker.claim() is None


async def test_the_servers_limit_ends_a_call_and_its_job(
    queue_settings: QueueSettings, worker: FakeWorker
) -> None:
    async with running(queue_settings, invert_limit_seconds=0.2) as stack:
        error = await refused(stack.preimages.Invert(InvertRequest(spec=from_code())))
        assert (error.code, error.reason) == (
            grpc.StatusCode.DEADLINE_EXCEEDED,
            "DEADLINE_EXCEEDED",
        )
        assert "CreatePreimage" in error.message

        async def cancelled() -> bool:
            return await _state(stack) == preimages.STATE_CANCELLED

        await eventually(cancelled)


async def test_the_same_request_again_finds_the_same_job(stack: Stack, worker: FakeWorker) -> None:
    request = InvertRequest(spec=from_code(), request_id="again")
    call = stack.preimages.Invert(request)
    worker.succeed(await claimed_by(worker))
    first, second = await call, await stack.preimages.Invert(request)
    assert first == second
    assert worker.claim() is None
