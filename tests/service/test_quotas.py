"""Quotas and shares of tenants, from the file of tokens to the refusal."""

from pathlib import Path

import grpc
import pytest
import redis

from preimage.v1 import preimage_service_pb2 as wire
from preimage.v1.tensor_pb2 import DATA_TYPE_UINT8
from preimage_queue import QueueSettings
from tests.service.auditor import FakeAuditor
from tests.service.audits import messages
from tests.service.rich import Rich, refused
from tests.service.specs import create, from_code
from tests.service.stack import Stack, running
from tests.service.tokens import bearer, entry, write
from tests.service.worker import FakeWorker

MINE, OTHER, FREE = bearer("mine"), bearer("other"), bearer("free")


def tokens(folder: Path, quota: str) -> Path:
    """Two tokens of a tenant with this quota, and one of a tenant without."""
    bounded = f"[tenants.acme]\n{quota}\n"
    return write(
        folder, entry("mine", "mine"), entry("other", "other"), bounded,
        entry("free", "free", tenant="free"),
    )  # fmt: skip


async def _create(stack: Stack, who: tuple[tuple[str, str], ...], seed: int) -> str:
    request = create(from_code())
    request.spec.seed = seed
    return (await stack.preimages.CreatePreimage(request, metadata=who)).preimage.id


def _assert_exhausted(error: Rich, reason: str, quota: str) -> None:
    assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, reason)
    assert error.quotas == [quota]
    assert error.retry_seconds is not None
    assert error.pushback_ms == round(error.retry_seconds * 1000)


async def test_jobs_are_bounded_over_all_tokens_of_a_tenant(
    queue_settings: QueueSettings, worker: FakeWorker, tmp_path: Path
) -> None:
    async with running(queue_settings, tokens=tokens(tmp_path, "jobs_queued = 2")) as stack:
        await _create(stack, MINE, seed=1)
        await _create(stack, OTHER, seed=2)
        for who in (MINE, OTHER):
            error = await refused(_create(stack, who, seed=3))
            _assert_exhausted(error, "TENANT_QUEUE_FULL", "tenant:acme")
            assert "2 jobs" in error.message
            assert "(jobs_queued)" in error.message
        await _create(stack, FREE, seed=3)
        worker.must_claim()
        await _create(stack, MINE, seed=3)


async def test_bytes_are_bounded_for_jobs_and_for_uploads(
    queue_settings: QueueSettings, worker: FakeWorker, tmp_path: Path
) -> None:
    async with running(queue_settings, tokens=tokens(tmp_path, "bytes_queued = 3000")) as stack:
        await _create(stack, MINE, seed=1)
        parts = [
            wire.UploadTensorRequest(
                header=wire.TensorHeader(dtype=DATA_TYPE_UINT8, shape=(32, 32, 3))
            ),
            wire.UploadTensorRequest(chunk=bytes(3072)),
        ]
        error = await refused(stack.preimages.UploadTensor(parts, metadata=OTHER))
        _assert_exhausted(error, "TENANT_BYTES_FULL", "tenant:acme:bytes_queued")
        assert "3000 bytes" in error.message
        error = await refused(_several(stack))
        _assert_exhausted(error, "TENANT_BYTES_FULL", "tenant:acme:bytes_queued")
        assert (await stack.preimages.UploadTensor(parts, metadata=FREE)).tensor.digest


async def _several(stack: Stack) -> None:
    for seed in range(2, 9):
        await _create(stack, MINE, seed)


async def test_slot_seconds_are_used_by_running_and_refused_with_the_time_to_come_back(
    queue_settings: QueueSettings, worker: FakeWorker, tmp_path: Path, redis_url: str
) -> None:
    async with running(queue_settings, tokens=tokens(tmp_path, "slot_seconds = 60.5")) as stack:
        await _create(stack, MINE, seed=1)
        claimed = worker.must_claim()
        with redis.Redis.from_url(redis_url) as raw:
            raw.incrby("{preimage}:clock_offset", 61_000)
        worker.succeed(claimed)
        error = await refused(_create(stack, OTHER, seed=2))
        _assert_exhausted(error, "SLOT_SECONDS_SPENT", "tenant:acme:slot_seconds")
        assert "60.5 slot-seconds" in error.message
        assert error.retry_seconds is not None
        assert 3400 < error.retry_seconds <= 3600
        await _create(stack, FREE, seed=2)
        name = "preimage_admission_rejections_total"
        assert stack.metric(name, reason="SLOT_SECONDS") == 1


async def test_an_audit_that_waits_for_its_inversions_uses_no_slot_seconds(
    queue_settings: QueueSettings, auditor: FakeAuditor, tmp_path: Path, redis_url: str
) -> None:
    async with running(queue_settings, tokens=tokens(tmp_path, "slot_seconds = 60")) as stack:
        await stack.audits.CreateAudit(iter(messages()), metadata=MINE)
        claimed = auditor.must_claim()
        with redis.Redis.from_url(redis_url) as raw:
            raw.incrby("{preimage}:clock_offset", 36_000_000)
        auditor.succeed(claimed)
        FakeWorker(auditor.queue).announce()
        await _create(stack, MINE, seed=1)


async def test_a_tenants_weight_is_its_share(
    queue_settings: QueueSettings, worker: FakeWorker, tmp_path: Path
) -> None:
    async with running(queue_settings, tokens=tokens(tmp_path, "weight = 3")) as stack:
        for seed in range(12):
            await _create(stack, MINE, seed)
            await _create(stack, FREE, seed)
        first = [worker.must_claim().tenant for _ in range(8)]
    assert first.count("acme") == pytest.approx(6, abs=1)


async def test_a_changed_quota_holds_for_the_next_call(
    queue_settings: QueueSettings, worker: FakeWorker, tmp_path: Path
) -> None:
    file = tokens(tmp_path, "jobs_queued = 0")
    async with running(queue_settings, tokens=file) as stack:
        await refused(_create(stack, MINE, seed=1))
        tokens(tmp_path, "jobs_queued = 1")
        stack.backend.renewables[0].renew()
        await _create(stack, MINE, seed=1)
