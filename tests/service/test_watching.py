"""Watching a job: what is told, in which order, and from where a broken watch goes on."""

import asyncio
from collections.abc import AsyncIterable

import grpc
import pytest

from preimage.v1 import preimage_pb2 as preimages
from preimage.v1.preimage_service_pb2 import (
    CancelPreimageRequest,
    WatchPreimageRequest,
    WatchPreimageResponse,
)
from preimage_service.methods.watching import Position
from tests.service.patience import eventually
from tests.service.rich import read, refused
from tests.service.specs import create
from tests.service.stack import Stack
from tests.service.worker import FakeWorker


async def _made(stack: Stack) -> str:
    return (await stack.preimages.CreatePreimage(create())).preimage.id


async def _all(stack: Stack, job_id: str, token: str = "") -> list[WatchPreimageResponse]:
    request = WatchPreimageRequest(id=job_id, resume_token=token)
    return [message async for message in stack.preimages.WatchPreimage(request)]


def _kinds(messages: list[WatchPreimageResponse]) -> list[str]:
    names = []
    for message in messages:
        kind = message.WhichOneof("event")
        assert kind is not None
        known = {
            "state": preimages.State.Name(message.state).removeprefix("STATE_"),
            "progress": f"progress {message.progress.step}",
            "preview": f"preview {message.preview.step}",
            "finished": "finished",
        }
        names.append(known[kind])
    return names


async def test_a_watch_tells_the_whole_story_and_ends(stack: Stack, worker: FakeWorker) -> None:
    job_id = await _made(stack)
    watch = asyncio.create_task(_all(stack, job_id))
    claimed = worker.must_claim()
    worker.progress(claimed, 10)
    await asyncio.sleep(0.1)  # whether it is told live or from the record makes no difference
    worker.progress(claimed, 20, preview=b"png")
    worker.succeed(claimed)
    messages = await watch
    assert _kinds(messages) == [
        "QUEUED",
        "RUNNING",
        "progress 10",
        "progress 20",
        "preview 20",
        "finished",
    ]
    assert messages[-1].finished.state == preimages.STATE_SUCCEEDED
    assert messages[-1].finished.result.reconstructions[0].errors.relative == 0.05
    assert messages[4].preview.png == b"png"


async def test_a_watch_resumed_at_any_message_goes_on_with_the_next_one(
    stack: Stack, worker: FakeWorker
) -> None:
    job_id = await _made(stack)
    claimed = worker.must_claim()
    for step in (10, 20, 30):
        worker.progress(claimed, step, preview=b"png")
    worker.succeed(claimed)
    whole = await _all(stack, job_id)
    assert len(whole) == 9
    for seen in range(1, len(whole)):
        rest = await _all(stack, job_id, whole[seen - 1].resume_token)
        assert _kinds(rest[:1]) == ["SUCCEEDED"], "a resumed watch tells the state at hand first"
        assert _kinds(rest[1:]) == _kinds(whole[seen:])


async def test_a_broken_watch_sees_no_event_twice(stack: Stack, worker: FakeWorker) -> None:
    job_id = await _made(stack)
    claimed = worker.must_claim()
    seen: list[str] = []
    token = ""
    for step in range(1, 6):
        worker.progress(claimed, step, preview=b"png")
        call = stack.preimages.WatchPreimage(WatchPreimageRequest(id=job_id, resume_token=token))
        async for message in call:
            if message.HasField("state"):
                continue
            seen += _kinds([message])
            token = message.resume_token
            if seen[-1] in {f"preview {step}", "progress 3"}:
                break
        call.cancel()
    worker.succeed(claimed)
    seen += _kinds(await _all(stack, job_id, token))
    told = [kind for kind in seen if kind.startswith("p")]
    assert told == sorted(set(told), key=told.index)
    assert "preview 5" in told
    assert seen[-1] == "finished"


async def test_a_finished_job_is_told_at_once_and_again(stack: Stack, worker: FakeWorker) -> None:
    job_id = await _made(stack)
    await stack.preimages.CancelPreimage(CancelPreimageRequest(id=job_id, reason="enough"))
    first = await _all(stack, job_id)
    assert _kinds(first) == ["QUEUED", "finished"]
    assert first[-1].finished.cancel_reason == "enough"
    assert _kinds(await _all(stack, job_id, first[-1].resume_token)) == ["CANCELLED", "finished"]


async def test_many_events_are_told_in_order(stack: Stack, worker: FakeWorker) -> None:
    job_id = await _made(stack)
    claimed = worker.must_claim()
    for step in range(1, 65):
        worker.progress(claimed, step)
    worker.succeed(claimed)
    steps = [m.progress.step for m in await _all(stack, job_id) if m.HasField("progress")]
    assert steps == list(range(1, 65))


@pytest.mark.parametrize(
    "token", ["x", "1-1", "1-1+12", "9" * 30 + "-1+0", "-1+0", "1-1+-1", "٣-٣+1", "1-1+٣"]
)
async def test_a_token_that_is_none_is_refused(
    stack: Stack, worker: FakeWorker, token: str
) -> None:
    request = WatchPreimageRequest(id=await _made(stack), resume_token=token)
    error = await refused(_first(stack.preimages.WatchPreimage(request)))
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert "resume_token" in error.fields


async def _first(call: AsyncIterable[WatchPreimageResponse]) -> WatchPreimageResponse:
    return await anext(aiter(call))


@pytest.mark.parametrize("job_id", ["", "f" * 32, "../../etc", "\0", "x" * 100_000])
async def test_a_job_that_is_not_there_cannot_be_watched(stack: Stack, job_id: str) -> None:
    error = await refused(_first(stack.preimages.WatchPreimage(WatchPreimageRequest(id=job_id))))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "PREIMAGE_NOT_FOUND")


async def test_a_watch_ends_when_its_job_is_deleted(stack: Stack, worker: FakeWorker) -> None:
    job_id = await _made(stack)
    call = stack.preimages.WatchPreimage(WatchPreimageRequest(id=job_id))
    await _first(call)
    await stack.backend.queue.delete(job_id, "default")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in call:
            pass
    assert read(caught.value).reason == "PREIMAGE_NOT_FOUND"


async def test_watchers_that_leave_are_gone_at_once(stack: Stack, worker: FakeWorker) -> None:
    job_id = await _made(stack)
    calls = [stack.preimages.WatchPreimage(WatchPreimageRequest(id=job_id)) for _ in range(3)]
    for call in calls:
        await _first(call)
    assert stack.metric("preimage_watchers") == 3
    for call in calls:
        call.cancel()
    await eventually(lambda: stack.metric("preimage_watchers") == 0)


def test_a_token_names_its_position_and_back() -> None:
    for position in (Position(), Position("17-3"), Position("17-3", 1), Position("", 1)):
        assert Position.read(position.token) == position
