"""Another tenant's job, upload or request_id is as good as none, whatever the method."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from preimage.v1 import audit_service_pb2 as audit_wire
from preimage.v1 import preimage_service_pb2 as wire
from preimage.v1.admin_service_pb2 import ListDeadLettersRequest, RequeueDeadLetterRequest
from preimage.v1.model_service_pb2 import ExtractFeaturesRequest
from preimage.v1.preimage_pb2 import STATE_QUEUED
from preimage.v1.spec_pb2 import PreimageSpec, Representation, Target
from preimage.v1.tensor_pb2 import DATA_TYPE_UINT8, Picture, TensorReference
from preimage_queue import QueueSettings
from tests.service.auditor import FakeAuditor
from tests.service.audits import messages
from tests.service.rich import Rich, refused
from tests.service.specs import code, create
from tests.service.stack import Stack, running
from tests.service.tokens import ADMIN, bearer, entry, write
from tests.service.worker import FakeWorker

MINE, THEIRS, OPERATOR = bearer("mine"), bearer("theirs"), bearer("operator")


@dataclass
class Two:
    """A frontend with two tenants, and a job of the first that has ended."""

    stack: Stack
    job_id: str


@pytest.fixture
async def two(
    queue_settings: QueueSettings, worker: FakeWorker, tmp_path: Path
) -> AsyncIterator[Two]:
    file = write(
        tmp_path,
        entry("mine", "mine", tenant="first"),
        entry("theirs", "theirs", tenant="second"),
        entry("operator", "operator", tenant="third", scopes=(ADMIN,)),
    )
    async with running(queue_settings, tokens=file) as stack:
        made = await stack.preimages.CreatePreimage(create(request_id="same"), metadata=MINE)
        worker.succeed(worker.must_claim())
        yield Two(stack, made.preimage.id)


async def _drained(call: Any) -> None:  # noqa: ANN401  a call of any kind
    if hasattr(call, "__aiter__"):
        async for _ in call:
            pass
    else:
        await call


Ask = Callable[[Stack, str, Any], Any]
METHODS: dict[str, Ask] = {
    "GetPreimage": lambda stack, job, who: stack.preimages.GetPreimage(
        wire.GetPreimageRequest(id=job), metadata=who
    ),
    "WatchPreimage": lambda stack, job, who: stack.preimages.WatchPreimage(
        wire.WatchPreimageRequest(id=job), metadata=who
    ),
    "CancelPreimage": lambda stack, job, who: stack.preimages.CancelPreimage(
        wire.CancelPreimageRequest(id=job), metadata=who
    ),
    "DownloadResult": lambda stack, job, who: stack.preimages.DownloadResult(
        wire.DownloadResultRequest(id=job, name="0/picture.png"), metadata=who
    ),
    "DeletePreimage": lambda stack, job, who: stack.preimages.DeletePreimage(
        wire.DeletePreimageRequest(id=job), metadata=who
    ),
}


AUDIT_METHODS: dict[str, Ask] = {
    "GetAudit": lambda stack, job, who: stack.audits.GetAudit(
        audit_wire.GetAuditRequest(id=job), metadata=who
    ),
    "WatchAudit": lambda stack, job, who: stack.audits.WatchAudit(
        audit_wire.WatchAuditRequest(id=job), metadata=who
    ),
    "GetAuditReport": lambda stack, job, who: stack.audits.GetAuditReport(
        audit_wire.GetAuditReportRequest(id=job), metadata=who
    ),
    "CancelAudit": lambda stack, job, who: stack.audits.CancelAudit(
        audit_wire.CancelAuditRequest(id=job), metadata=who
    ),
    "DeleteAudit": lambda stack, job, who: stack.audits.DeleteAudit(
        audit_wire.DeleteAuditRequest(id=job), metadata=who
    ),
}


@pytest.mark.parametrize("method", AUDIT_METHODS)
async def test_another_tenants_audit_is_not_found(
    two: Two, auditor: FakeAuditor, method: str
) -> None:
    made = await two.stack.audits.CreateAudit(iter(messages()), metadata=MINE)
    auditor.succeed(auditor.must_claim())
    ask = AUDIT_METHODS[method]
    error = await refused(_drained(ask(two.stack, made.audit.id, THEIRS)))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "AUDIT_NOT_FOUND")
    await _drained(ask(two.stack, made.audit.id, MINE))


@pytest.mark.parametrize("method", METHODS)
async def test_another_tenants_job_is_not_found(two: Two, method: str) -> None:
    def ask(job_id: str, who: object) -> Any:  # noqa: ANN401  a call of any kind
        return _drained(METHODS[method](two.stack, job_id, who))

    error = await refused(ask(two.job_id, THEIRS))
    nowhere = await refused(ask("0" * 32, THEIRS))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "PREIMAGE_NOT_FOUND")
    assert error.message.replace(two.job_id, "?") == nowhere.message.replace("0" * 32, "?")
    await ask(two.job_id, MINE)


async def test_lists_hold_the_tenants_own_jobs_only(two: Two) -> None:
    request = wire.ListPreimagesRequest()
    theirs = await two.stack.preimages.ListPreimages(request, metadata=THEIRS)
    assert not theirs.preimages
    mine = await two.stack.preimages.ListPreimages(request, metadata=MINE)
    assert [job.id for job in mine.preimages] == [two.job_id]


async def test_request_ids_are_each_tenants_own(two: Two) -> None:
    again = await two.stack.preimages.CreatePreimage(create(request_id="same"), metadata=MINE)
    assert (again.existed, again.preimage.id) == (True, two.job_id)
    other = create(request_id="same")
    other.spec.seed = 7
    theirs = await two.stack.preimages.CreatePreimage(other, metadata=THEIRS)
    assert not theirs.existed
    assert theirs.preimage.id != two.job_id


async def _uploaded(stack: Stack) -> TensorReference:
    tensor = code(4, 8, 8)
    header = wire.TensorHeader(dtype=tensor.dtype, shape=tensor.shape)
    parts = [wire.UploadTensorRequest(header=header), wire.UploadTensorRequest(chunk=tensor.data)]
    return (await stack.preimages.UploadTensor(parts, metadata=MINE)).tensor


def _creating(stack: Stack, tensor: TensorReference, who: Any) -> Any:  # noqa: ANN401  a call
    spec = PreimageSpec(
        target=Target(uploaded_features=tensor),
        representation=Representation(model="toy", layer="conv"),
    )
    return stack.preimages.CreatePreimage(create(spec), metadata=who)


def _is_missing(error: Rich) -> bool:
    return (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "TENSOR_NOT_FOUND")


async def test_an_upload_can_be_used_by_its_tenant_only(two: Two) -> None:
    tensor = await _uploaded(two.stack)
    assert _is_missing(await refused(_creating(two.stack, tensor, THEIRS)))
    assert (await _creating(two.stack, tensor, MINE)).preimage.id


async def test_a_picture_that_another_tenant_uploaded_cannot_be_looked_at(two: Two) -> None:
    header = wire.TensorHeader(dtype=DATA_TYPE_UINT8, shape=(8, 8, 3))
    parts = [
        wire.UploadTensorRequest(header=header),
        wire.UploadTensorRequest(chunk=bytes(range(192))),
    ]
    tensor = (await two.stack.preimages.UploadTensor(parts, metadata=MINE)).tensor
    request = ExtractFeaturesRequest(
        picture=Picture(uploaded=tensor),
        representation=Representation(model="toy", layer="conv"),
    )
    call = two.stack.models.ExtractFeatures(request, metadata=THEIRS)
    assert _is_missing(await refused(call))


async def test_an_operator_sees_the_dead_letters_of_all_tenants_and_no_jobs(
    two: Two, worker: FakeWorker
) -> None:
    made = await two.stack.preimages.CreatePreimage(create(), metadata=THEIRS)
    worker.bury(worker.must_claim())
    admin = two.stack.admin
    listed = await admin.ListDeadLetters(ListDeadLettersRequest(), metadata=OPERATOR)
    assert [(each.tenant, each.preimage.id) for each in listed.dead_letters] == [
        ("second", made.preimage.id)
    ]
    request = RequeueDeadLetterRequest(id=made.preimage.id)
    again = await admin.RequeueDeadLetter(request, metadata=OPERATOR)
    assert again.preimage.state == STATE_QUEUED
    call = two.stack.preimages.GetPreimage(
        wire.GetPreimageRequest(id=made.preimage.id), metadata=OPERATOR
    )
    assert (await refused(call)).code is grpc.StatusCode.PERMISSION_DENIED
