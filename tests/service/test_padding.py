"""Messages of a stream with fields that nobody knows: no budget counts those, so none are kept."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psutil

from preimage.v1.preimage_service_pb2 import TensorHeader, UploadTensorRequest
from preimage.v1.tensor_pb2 import DATA_TYPE_UINT8
from tests.service.auditor import FakeAuditor
from tests.service.audits import messages, pictures
from tests.service.patience import eventually
from tests.service.stack import Stack
from tests.service.worker import FakeWorker

MIB = 2**20
COUNT, PADDING_BYTES = 60, 5 * MIB
FEW_BYTES = COUNT * PADDING_BYTES // 2
HEADER = UploadTensorRequest(header=TensorHeader(dtype=DATA_TYPE_UINT8, shape=[9]))


def padded(message: Any) -> Any:  # noqa: ANN401  of any kind
    """The message with 5 MiB in a field that it does not have."""
    field = b"\xfa\x3e\x80\x80\xc0\x02" + bytes(PADDING_BYTES)  # number 1007, bytes
    return type(message).FromString(message.SerializeToString() + field)


@asynccontextmanager
async def sent(call: Callable[[], Any], streams: Sequence[Sequence[Any]]) -> AsyncIterator[None]:
    """Streams of messages, some with padding, that are still open."""
    calls = [call() for _ in streams]
    for stream, parts in zip(calls, streams, strict=True):
        for part in parts:
            await stream.write(padded(part) if part is not parts[-1] else part)
    yield
    for stream in calls:
        stream.cancel()


def resident_bytes() -> int:
    return int(psutil.Process().memory_info().rss)


async def holds_little(stack: Stack, before_bytes: int, counted_bytes: int) -> None:
    """Once everything was read, what is held is about what the budget says."""
    await eventually(lambda: stack.metric("preimage_upload_bytes") == counted_bytes)
    await eventually(lambda: resident_bytes() - before_bytes < FEW_BYTES)


async def test_of_the_pictures_of_an_audit_only_the_files_are_kept(
    stack: Stack, auditor: FakeAuditor
) -> None:
    header, *parts = messages(sent=pictures(1, COUNT))
    before_bytes = resident_bytes()
    async with sent(stack.audits.CreateAudit, [[header, *parts]]):
        files_bytes = sum(len(part.picture.encoded) for part in parts)
        await holds_little(stack, before_bytes, files_bytes)


async def test_of_the_headers_of_audits_only_what_they_say_is_kept(
    stack: Stack, auditor: FakeAuditor
) -> None:
    header, picture, *_ = messages()
    before_bytes = resident_bytes()
    async with sent(stack.audits.CreateAudit, [[header, picture]] * COUNT):
        await holds_little(stack, before_bytes, COUNT * len(picture.picture.encoded))


async def test_of_the_headers_of_uploads_only_what_they_say_is_kept(
    stack: Stack, worker: FakeWorker
) -> None:
    before_bytes = resident_bytes()
    chunk = UploadTensorRequest(chunk=b"1")
    async with sent(stack.preimages.UploadTensor, [[HEADER, chunk]] * COUNT):
        await holds_little(stack, before_bytes, COUNT * 9)
