"""Tensors on their way in, files of results on their way out."""

import asyncio
import hashlib
import itertools
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable

import grpc
import pytest

from preimage.v1 import tensor_pb2 as tensors
from preimage.v1.preimage_service_pb2 import (
    DownloadResultRequest,
    DownloadResultResponse,
    TensorHeader,
    UploadTensorRequest,
    UploadTensorResponse,
)
from preimage_queue import QueueSettings
from tests.service.patience import eventually
from tests.service.rich import refused
from tests.service.specs import create, from_code
from tests.service.stack import Stack, running
from tests.service.worker import PNG, FakeWorker

MIB = 2**20


def _header(*shape: int, dtype: int = tensors.DATA_TYPE_UINT8) -> UploadTensorRequest:
    return UploadTensorRequest(header=TensorHeader(dtype=dtype, shape=shape))  # type: ignore[arg-type]


def _chunk(data: bytes) -> UploadTensorRequest:
    return UploadTensorRequest(chunk=data)


async def _upload(stack: Stack, *parts: UploadTensorRequest) -> UploadTensorResponse:
    return await stack.preimages.UploadTensor(iter(parts))


async def test_a_tensor_of_several_chunks_arrives_whole(stack: Stack, worker: FakeWorker) -> None:
    data = bytes(range(256)) * (9 * 1024)
    chunks = [_chunk(data[at : at + MIB]) for at in range(0, len(data), MIB)]
    response = await _upload(stack, _header(9, 1024, 256), *chunks)
    reference = response.tensor
    assert reference.digest == hashlib.sha256(data).hexdigest()
    assert (list(reference.shape), reference.dtype) == ([9, 1024, 256], tensors.DATA_TYPE_UINT8)
    assert await stack.backend.queue.read_blob("default", reference.digest) == data


@pytest.mark.parametrize(
    ("parts", "field", "words"),
    [
        ([], "header", "first"),
        ([_chunk(b"1")], "header", "first"),
        ([UploadTensorRequest()], "header", "first"),
        ([_header(4, dtype=0)], "header.dtype", "one of"),
        ([_header(0)], "header.shape", "below 1"),
        ([_header(2**62, 2**62)], "header.shape", "at most 268435456"),
        ([_header(268435457)], "header.shape", "at most 268435456"),
        ([_header(4), _header(4)], "chunk", "nothing else"),
        ([_header(4), _chunk(b"12345")], "chunk", "beyond"),
        ([_header(4), _chunk(b"123")], "chunk", "holds 3 bytes"),
        ([_header(4)], "chunk", "holds 0 bytes"),
        ([_header(2 * MIB), _chunk(bytes(MIB + 1))], "chunk", "at most 1048576"),
    ],
)
async def test_a_wrong_upload_is_refused(
    stack: Stack, parts: list[UploadTensorRequest], field: str, words: str
) -> None:
    error = await refused(_upload(stack, *parts))
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert words in error.fields[field]


async def test_a_refusal_reaches_a_caller_who_is_still_sending(
    stack: Stack, worker: FakeWorker
) -> None:
    for _ in range(20):
        error = await refused(_upload(stack, _header(4), *[_chunk(bytes(MIB))] * 12))
        assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    stack.backend.gate.refuse()
    for _ in range(20):
        error = await refused(_upload(stack, _header(12 * MIB), *[_chunk(bytes(MIB))] * 12))
        assert error.reason == "DRAINING"


async def _slowly(parts: Iterable[UploadTensorRequest]) -> AsyncIterator[UploadTensorRequest]:
    for part in parts:
        yield part
    await asyncio.sleep(3600)


async def test_a_silent_upload_is_given_up_and_its_memory_freed(
    queue_settings: QueueSettings, worker: FakeWorker
) -> None:
    async with running(queue_settings, upload_idle_seconds=0.1) as stack:
        error = await refused(stack.preimages.UploadTensor(_slowly([_header(MIB), _chunk(b"1")])))
        assert error.code is grpc.StatusCode.DEADLINE_EXCEEDED
        assert "Nothing came for 0.1 s: upload the tensor again." in error.message
        assert stack.metric("preimage_upload_bytes") == 0


async def _trickle(parts: Iterable[UploadTensorRequest]) -> AsyncIterator[UploadTensorRequest]:
    """As slow as may be without a silence."""
    for part in parts:
        yield part
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("drop", [b"", b"1"], ids=["empty", "one byte"])
async def test_an_upload_that_trickles_is_given_up_too(
    queue_settings: QueueSettings, worker: FakeWorker, drop: bytes
) -> None:
    async with running(queue_settings, upload_idle_seconds=0.5) as stack:
        drops = itertools.repeat(_chunk(drop), 1000)
        call = stack.preimages.UploadTensor(_trickle(itertools.chain([_header(MIB)], drops)))
        error = await refused(call)
        assert error.code is grpc.StatusCode.DEADLINE_EXCEEDED
        assert "Less than 4096 bytes a second came: upload the tensor again." in error.message
        assert stack.metric("preimage_upload_bytes") == 0


async def test_a_slow_upload_that_keeps_the_pace_takes_as_long_as_it_needs(
    queue_settings: QueueSettings, worker: FakeWorker
) -> None:
    pace = {"upload_idle_seconds": 1.0, "upload_least_bytes_per_second": 1024}
    async with running(queue_settings, **pace) as stack:
        parts = [_header(16 * 1024), *(_chunk(bytes(512)) for _ in range(32))]
        begun = time.monotonic()
        reply = await stack.preimages.UploadTensor(_trickle(parts))
        assert reply.tensor.digest
        assert time.monotonic() - begun > 1.0, "longer than silence may be"


async def test_uploads_share_a_budget_of_memory(
    queue_settings: QueueSettings, worker: FakeWorker
) -> None:
    limits = {"maximum_tensor_bytes": MIB, "maximum_upload_bytes_in_flight": 3 * MIB // 2}
    async with running(queue_settings, **limits) as stack:
        first = stack.preimages.UploadTensor(_slowly([_header(MIB)]))
        await eventually(lambda: stack.metric("preimage_upload_bytes"))
        error = await refused(_upload(stack, _header(MIB), _chunk(bytes(MIB))))
        assert (error.code, error.reason) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "QUEUE_BYTES_FULL",
        )
        assert error.quotas == ["uploads"]
        assert error.retry_seconds == 2.0
        first.cancel()
        await eventually(lambda: not stack.metric("preimage_upload_bytes"))
        assert (await _upload(stack, _header(MIB), _chunk(bytes(MIB)))).tensor.digest


async def _downloaded(stack: Stack, job_id: str, name: str, offset: int = 0) -> tuple[bytes, int]:
    request = DownloadResultRequest(id=job_id, name=name, offset=offset)
    data, total = b"", -1
    async for chunk in stack.preimages.DownloadResult(request):
        assert chunk.offset == offset + len(data)
        assert len(chunk.data) <= 256 * 1024
        data += chunk.data
        total = chunk.total_bytes
    return data, total


async def _done(stack: Stack, worker: FakeWorker) -> str:
    job_id = (await stack.preimages.CreatePreimage(create())).preimage.id
    worker.succeed(worker.must_claim())
    return job_id


async def test_a_file_is_downloaded_from_any_byte_on(stack: Stack, worker: FakeWorker) -> None:
    job_id = await _done(stack, worker)
    whole = PNG + b"0"
    assert await _downloaded(stack, job_id, "0/picture.png") == (whole, len(whole))
    assert await _downloaded(stack, job_id, "0/picture.png", 5) == (whole[5:], len(whole))
    assert await _downloaded(stack, job_id, "0/picture.png", len(whole)) == (b"", len(whole))


async def test_a_large_file_comes_in_chunks(stack: Stack, worker: FakeWorker) -> None:
    job_id = (await stack.preimages.CreatePreimage(create())).preimage.id
    claimed = worker.must_claim()
    data = bytes(range(251)) * 4000
    worker.succeed_extraction(claimed, data, [251, 1000])
    assert await _downloaded(stack, job_id, "code.f32") == (data, len(data))


async def _first(call: AsyncIterable[DownloadResultResponse]) -> DownloadResultResponse:
    return await anext(aiter(call))


@pytest.mark.parametrize("offset", [-1, 10**6, 2**63 - 1])
async def test_an_offset_outside_the_file_is_refused(
    stack: Stack, worker: FakeWorker, offset: int
) -> None:
    job_id = await _done(stack, worker)
    request = DownloadResultRequest(id=job_id, name="0/picture.png", offset=offset)
    error = await refused(_first(stack.preimages.DownloadResult(request)))
    assert list(error.fields) == ["offset"]


async def test_an_unknown_file_is_not_found_and_the_near_ones_are_named(
    stack: Stack, worker: FakeWorker
) -> None:
    job_id = await _done(stack, worker)
    request = DownloadResultRequest(id=job_id, name="0/picture.jpg")
    error = await refused(_first(stack.preimages.DownloadResult(request)))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "ARTIFACT_NOT_FOUND")
    assert "0/picture.png" in error.message


async def test_an_uploaded_tensor_must_be_there_and_have_the_length_that_is_said(
    stack: Stack, worker: FakeWorker
) -> None:
    spec = from_code()
    reference = tensors.TensorReference(
        digest="0" * 64, dtype=tensors.DATA_TYPE_FLOAT32, shape=[4, 8, 8]
    )
    spec.target.uploaded_features.CopyFrom(reference)
    error = await refused(stack.preimages.CreatePreimage(create(spec)))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "TENSOR_NOT_FOUND")
    assert error.info.metadata["field"] == "spec.target.uploaded_features"
    uploaded = (await _upload(stack, _header(4), _chunk(b"1234"))).tensor
    spec.target.uploaded_features.digest = uploaded.digest
    error = await refused(stack.preimages.CreatePreimage(create(spec)))
    assert "holds 4 bytes" in error.fields["spec.target.uploaded_features"]
    zeros = (await _upload(stack, _header(1024), _chunk(bytes(1024)))).tensor
    spec.target.uploaded_features.digest = zeros.digest
    error = await refused(stack.preimages.CreatePreimage(create(spec)))
    assert "zero everywhere" in error.fields["spec.target.uploaded_features"]
