"""The error table of docs/reference/errors.md, row by row, as a client receives it.

Rows with many cases have files of their own: INVALID_FIELD in test_field_validation and
test_pictures; MODEL_NOT_FOUND in test_models; TENSOR_NOT_FOUND, ARTIFACT_NOT_FOUND in test_files;
PREIMAGE_NOT_TERMINAL in test_jobs; what is said of audits in test_auditing and
test_audit_validation; WORKER_NOT_FOUND and DEAD_LETTER_NOT_FOUND in test_admin; job errors in
test_job_errors.
"""

import asyncio
import logging
from collections.abc import AsyncIterable, Awaitable, Callable
from dataclasses import replace

import grpc
import pytest
import redis

from preimage.v1.audit_service_pb2 import CreateAuditRequest
from preimage.v1.model_service_pb2 import ExtractFeaturesRequest
from preimage.v1.preimage_pb2 import Preimage
from preimage.v1.preimage_service_pb2 import (
    CreatePreimageRequest,
    DownloadResultRequest,
    DownloadResultResponse,
    GetPreimageRequest,
    InvertRequest,
    UploadTensorRequest,
)
from preimage.v1.spec_pb2 import Representation
from preimage.v1.tensor_pb2 import Picture, PictureSize
from preimage_queue import AsyncQueue, QueueSettings
from tests.redis_server import RedisServer
from tests.service.patience import eventually
from tests.service.rich import Rich, refused
from tests.service.specs import code, create, from_code, from_picture, png
from tests.service.stack import Stack, running
from tests.service.worker import FakeWorker

Code = grpc.StatusCode


async def _job(stack: Stack, request: CreatePreimageRequest | None = None) -> Preimage:
    return (await stack.preimages.CreatePreimage(request or create())).preimage


async def _first(call: AsyncIterable[DownloadResultResponse]) -> DownloadResultResponse:
    return await anext(aiter(call))


def _download(stack: Stack, job_id: str) -> Awaitable[DownloadResultResponse]:
    request = DownloadResultRequest(id=job_id, name="0/picture.png")
    return _first(stack.preimages.DownloadResult(request))


def _extraction() -> ExtractFeaturesRequest:
    representation = Representation(model="toy", layer="conv")
    return ExtractFeaturesRequest(picture=Picture(encoded=png()), representation=representation)


def _assert_exhausted(error: Rich, reason: str, subject: str) -> None:
    assert (error.code, error.reason) == (Code.RESOURCE_EXHAUSTED, reason)
    assert error.quotas == [subject]
    assert error.retry_seconds is not None
    assert error.pushback_ms == round(error.retry_seconds * 1000)


async def test_a_request_id_with_other_content_is_refused(stack: Stack, worker: FakeWorker) -> None:
    await _job(stack, create(request_id="mine"))
    other = create(request_id="mine")
    other.spec.seed = 7
    error = await refused(stack.preimages.CreatePreimage(other))
    assert (error.code, error.reason) == (Code.INVALID_ARGUMENT, "REQUEST_ID_REUSED")
    assert "other content" in error.fields["request_id"]


async def test_more_restarts_than_any_worker_has_slots_are_refused(
    stack: Stack, worker: FakeWorker
) -> None:
    FakeWorker(worker.queue, slots=2).announce()
    request = create()
    request.spec.restarts = 3
    error = await refused(stack.preimages.CreatePreimage(request))
    assert (error.code, error.reason) == (Code.INVALID_ARGUMENT, "INVALID_FIELD")
    assert "2 slots" in error.fields["spec.restarts"]


async def test_an_unknown_job_is_not_found(stack: Stack) -> None:
    error = await refused(stack.preimages.GetPreimage(GetPreimageRequest(id="a" * 32)))
    assert (error.code, error.reason) == (Code.NOT_FOUND, "PREIMAGE_NOT_FOUND")
    assert error.info.metadata["id"] == "a" * 32


async def test_the_result_of_an_unfinished_job_is_not_ready(
    stack: Stack, worker: FakeWorker
) -> None:
    job = await _job(stack)
    error = await refused(_download(stack, job.id))
    assert (error.code, error.reason) == (Code.FAILED_PRECONDITION, "RESULT_NOT_READY")
    assert error.preconditions == [("RESULT_NOT_READY", f"preimages/{job.id}")]
    worker.fail(worker.must_claim(), "DIVERGED")
    error = await refused(_download(stack, job.id))
    assert error.reason == "RESULT_NOT_READY"
    assert "no result" in error.message


async def test_a_model_without_weights_is_not_served(stack: Stack, worker: FakeWorker) -> None:
    request = create()
    request.spec.representation.model = "absent"
    error = await refused(stack.preimages.CreatePreimage(request))
    assert (error.code, error.reason) == (Code.FAILED_PRECONDITION, "MODEL_NOT_SERVED")
    assert error.preconditions == [("MODEL_NOT_SERVED", "models/absent")]
    assert "absent.safetensors" in error.message


async def test_a_full_queue_refuses(queue_settings: QueueSettings, worker: FakeWorker) -> None:
    async with running(replace(queue_settings, max_queued_jobs=1)) as stack:
        await _job(stack)
        error = await refused(stack.preimages.CreatePreimage(create()))
        _assert_exhausted(error, "QUEUE_FULL", "queue")


async def test_what_a_refused_request_brought_is_not_kept_like_an_upload(
    queue_settings: QueueSettings, worker: FakeWorker, redis_url: str
) -> None:
    async with running(replace(queue_settings, max_queued_jobs=1)) as stack:
        await _job(stack)
        await refused(stack.preimages.CreatePreimage(create(from_picture())))
    with redis.Redis.from_url(redis_url) as raw:
        left_ms = sorted(raw.pttl(name) for name in raw.scan_iter("*:blob:*"))
    assert left_ms[0] == -1, "the job's own blob stays"
    assert 0 < left_ms[1] <= 60_000


async def test_a_tenant_with_too_many_jobs_is_refused(
    queue_settings: QueueSettings, worker: FakeWorker
) -> None:
    async with running(replace(queue_settings, max_queued_jobs_per_tenant=1)) as stack:
        await _job(stack)
        error = await refused(stack.preimages.CreatePreimage(create()))
        _assert_exhausted(error, "TENANT_QUEUE_FULL", "tenant:default")


async def test_too_many_bytes_are_refused(
    queue_settings: QueueSettings, worker: FakeWorker
) -> None:
    async with running(replace(queue_settings, max_queued_bytes=4000)) as stack:
        await _job(stack)
        request = create(from_code(code(4, 30, 30)))
        request.spec.representation.input_size.CopyFrom(PictureSize(height=30, width=30))
        error = await refused(stack.preimages.CreatePreimage(request))
        _assert_exhausted(error, "QUEUE_BYTES_FULL", "queue")


async def test_a_deadline_that_the_queue_cannot_meet_is_refused(
    stack: Stack, worker: FakeWorker
) -> None:
    FakeWorker(worker.queue, rate=10.0).announce()
    await _job(stack)
    request = create()
    request.spec.deadline.FromSeconds(1)
    error = await refused(stack.preimages.CreatePreimage(request))
    _assert_exhausted(error, "DEADLINE_UNATTAINABLE", "deadline")
    assert "35.0 s" in error.message


async def test_a_redis_without_memory_refuses(
    stack: Stack, worker: FakeWorker, redis_url: str
) -> None:
    with redis.Redis.from_url(redis_url) as raw:
        used = raw.info("memory")["used_memory"]
        raw.config_set("maxmemory", used // 2)
        try:
            error = await refused(stack.preimages.CreatePreimage(create()))
        finally:
            raw.config_set("maxmemory", 0)
    _assert_exhausted(error, "STORAGE_FULL", "storage")
    await _job(stack)


async def test_a_redis_that_is_away_makes_every_call_unavailable(
    queue_settings: QueueSettings,
) -> None:
    with RedisServer() as server:
        async with running(replace(queue_settings, url=server.url)) as stack:
            server.kill()
            calls: list[Awaitable[object]] = [
                stack.preimages.CreatePreimage(create()),
                stack.preimages.GetPreimage(GetPreimageRequest(id="a" * 32)),
                _download(stack, "a" * 32),
            ]
            for call in calls:
                error = await refused(call)
                assert (error.code, error.reason) == (Code.UNAVAILABLE, "QUEUE_UNAVAILABLE")
                assert (error.retry_seconds, error.pushback_ms) == (1.0, 1000)
                assert "redis" not in error.message.lower()
                assert str(server.socket) not in error.message


async def test_a_redis_that_refuses_us_makes_every_call_unavailable(
    queue_settings: QueueSettings, redis_server: RedisServer
) -> None:
    url = f"unix://nobody@{redis_server.socket}?password=wrong"
    async with running(replace(queue_settings, url=url)) as stack:
        error = await refused(stack.preimages.GetPreimage(GetPreimageRequest(id="a" * 32)))
        assert (error.code, error.reason) == (Code.UNAVAILABLE, "QUEUE_UNAVAILABLE")
        assert "credentials" in error.message
        assert "nobody" not in error.message


@pytest.mark.parametrize(
    "method", ["CreatePreimage", "Invert", "UploadTensor", "ExtractFeatures", "CreateAudit"]
)
async def test_a_draining_server_refuses_new_work(
    stack: Stack, worker: FakeWorker, method: str
) -> None:
    stack.backend.gate.refuse()
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "CreatePreimage": lambda: stack.preimages.CreatePreimage(create()),
        "Invert": lambda: stack.preimages.Invert(InvertRequest(spec=from_code())),
        "UploadTensor": lambda: stack.preimages.UploadTensor(iter([UploadTensorRequest()])),
        "ExtractFeatures": lambda: stack.models.ExtractFeatures(_extraction()),
        "CreateAudit": lambda: stack.audits.CreateAudit(iter([CreateAuditRequest()])),
    }
    error = await refused(calls[method]())
    assert (error.code, error.reason) == (Code.UNAVAILABLE, "DRAINING")
    assert (error.retry_seconds, error.pushback_ms) == (1.0, 1000)


async def test_a_bug_is_internal_and_tells_nothing_but_an_id(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr(AsyncQueue, "run", broken)
    with caplog.at_level(logging.ERROR):
        error = await refused(stack.preimages.GetPreimage(GetPreimageRequest(id="a" * 32)))
    assert (error.code, error.reason) == (Code.INTERNAL, "INTERNAL")
    assert "secret" not in error.message
    error_id = error.info.metadata["error_id"]
    assert error_id in error.message
    (record,) = [record for record in caplog.records if error_id in record.getMessage()]
    assert record.exc_info is not None
    assert "the secret inside" in str(record.exc_info[1])


async def test_a_message_that_is_too_large_is_stopped_by_grpc_itself(
    queue_settings: QueueSettings, worker: FakeWorker
) -> None:
    async with running(queue_settings, maximum_message_bytes=10_000) as stack:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stack.preimages.CreatePreimage(create(from_picture(bytes(20_000))))
        assert caught.value.code() is Code.RESOURCE_EXHAUSTED
        assert "larger than max" in (caught.value.details() or "")


async def test_too_many_calls_at_once_are_stopped_by_grpc_itself(
    queue_settings: QueueSettings, worker: FakeWorker
) -> None:
    async with running(queue_settings, maximum_concurrent_rpcs=1) as stack:
        waiting = asyncio.ensure_future(stack.preimages.Invert(InvertRequest(spec=from_code())))
        await eventually(worker.claim)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stack.preimages.GetPreimage(GetPreimageRequest(id="a" * 32))
        assert caught.value.code() is Code.RESOURCE_EXHAUSTED
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
