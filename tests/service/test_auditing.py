"""The life of an audit, from CreateAudit to DeleteAudit, with an auditor that only pretends."""

from typing import Any

import grpc
import pytest

from preimage.v1 import audit_pb2 as audits
from preimage.v1 import audit_service_pb2 as wire
from preimage.v1 import preimage_pb2 as preimages
from preimage.v1 import preimage_service_pb2 as preimage_wire
from preimage_queue import BeatVerdict, Submitted
from preimage_queue.connections import connect
from preimage_service.methods import auditing
from tests.service.auditor import REPORTS, FakeAuditor
from tests.service.audits import AUXILIARY, TARGET, made, messages, pictures, spec
from tests.service.patience import eventually
from tests.service.rich import read, refused
from tests.service.specs import create
from tests.service.stack import Stack
from tests.service.worker import FakeWorker

Code = grpc.StatusCode


async def get(stack: Stack, audit_id: str) -> audits.Audit:
    return (await stack.audits.GetAudit(wire.GetAuditRequest(id=audit_id))).audit


async def test_an_audit_is_accepted_with_its_pictures_and_its_plan(
    stack: Stack, auditor: FakeAuditor
) -> None:
    audit = await made(stack, request_id="mine")
    assert (audit.state, audit.request_id) == (preimages.STATE_QUEUED, "mine")
    assert (audit.targets, audit.auxiliary) == (1, 2)
    assert audit.spec == spec()
    assert (audit.plan.cells, audit.progress.cells, audit.progress.cells_done) == (4, 4, 0)
    claimed = auditor.must_claim()
    assert auditor.blobs(claimed) == [encoded for _, encoded in pictures()]
    work = auditor.work(claimed)
    assert [picture.role for picture in work.pictures] == [TARGET, AUXILIARY, AUXILIARY]
    assert work.plan == audit.plan
    assert work.allowance.weight == 1.0
    assert not work.allowance.HasField("slot_seconds")


async def test_pictures_that_redis_lost_before_it_had_the_audit_are_stored_again(
    stack: Stack, auditor: FakeAuditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in, tries = auditing.hand_in, 0

    async def redis_dies_before(*arguments: Any) -> Submitted:
        nonlocal tries
        tries += 1
        if tries == 1:
            with connect(auditor.queue.settings) as raw:
                raw.delete(*raw.keys("*:blob:*"))
        return await hand_in(*arguments)

    monkeypatch.setattr(auditing, "hand_in", redis_dies_before)
    await made(stack)
    assert tries == 2
    assert auditor.blobs(auditor.must_claim()) == [encoded for _, encoded in pictures()]


async def test_the_same_request_leads_to_the_same_audit(
    stack: Stack, auditor: FakeAuditor, worker: FakeWorker
) -> None:
    first = await made(stack, request_id="mine")
    FakeWorker(worker.queue, rate=100.0).announce()  # another plan in seconds, the same request
    again = await stack.audits.CreateAudit(iter(messages(request_id="mine")))
    assert (again.audit.id, again.existed) == (first.id, True)
    error = await refused(stack.audits.CreateAudit(iter(messages(spec(seed=7), request_id="mine"))))
    assert error.reason == "REQUEST_ID_REUSED"
    other = messages(sent=pictures(2, 2), request_id="mine")
    assert (await refused(stack.audits.CreateAudit(iter(other)))).reason == "REQUEST_ID_REUSED"


async def test_a_watch_tells_how_far_it_is_and_resumes_behind_what_was_seen(
    stack: Stack, auditor: FakeAuditor
) -> None:
    audit = await made(stack)
    claimed = auditor.must_claim()
    auditor.progress(claimed, 1)
    auditor.progress(claimed, 2)
    assert (await get(stack, audit.id)).progress.doing == "cell 2"
    auditor.succeed(claimed)
    told = [each async for each in stack.audits.WatchAudit(wire.WatchAuditRequest(id=audit.id))]
    kinds = [each.WhichOneof("event") for each in told]
    assert kinds == ["state", "state", "progress", "progress", "finished"]
    assert told[-1].finished.state == preimages.STATE_SUCCEEDED
    resumed = wire.WatchAuditRequest(id=audit.id, resume_token=told[2].resume_token)
    rest = [each async for each in stack.audits.WatchAudit(resumed)]
    assert [each.WhichOneof("event") for each in rest] == ["state", "progress", "finished"]
    assert rest[1].progress.cells_done == 2


async def _report(stack: Stack, audit_id: str, kind: int) -> tuple[bytes, list[int]]:
    request = wire.GetAuditReportRequest(id=audit_id, format=kind)  # type: ignore[arg-type]
    parts = [part async for part in stack.audits.GetAuditReport(request)]
    return b"".join(part.chunk for part in parts), [part.total_bytes for part in parts]


async def test_the_report_comes_in_each_format_in_chunks(
    stack: Stack, auditor: FakeAuditor
) -> None:
    audit = await made(stack)
    auditor.succeed(auditor.must_claim())
    names = ("report.json", "report.json", "report.html", "report.md", "report.csv")
    for kind, name in enumerate(names):
        data, lengths = await _report(stack, audit.id, kind)
        assert data == REPORTS[name]
        assert lengths[0] == len(data)
    assert len((await _report(stack, audit.id, 2))[1]) == 3


async def test_without_a_report_the_caller_is_told_what_to_do(
    stack: Stack, auditor: FakeAuditor
) -> None:
    audit = await made(stack)
    error = await refused(_report(stack, audit.id, 1))
    assert (error.reason, error.preconditions) == (
        "RESULT_NOT_READY",
        [("RESULT_NOT_READY", f"audits/{audit.id}")],
    )
    assert "wait" in error.message
    auditor.fail(auditor.must_claim())
    with pytest.raises(grpc.aio.AioRpcError, match="has no report"):
        await _report(stack, audit.id, 1)
    failed = await get(stack, audit.id)
    assert failed.error.message == "The targets overlap."


async def test_a_format_that_its_auditor_did_not_write_is_not_found(
    stack: Stack, auditor: FakeAuditor
) -> None:
    audit = await made(stack)
    auditor.succeed(auditor.must_claim(), {"report.json": b"{}"})
    with pytest.raises(grpc.aio.AioRpcError, match=r"no report\.html; there is report\.json") as no:
        await _report(stack, audit.id, 2)
    assert read(no.value).reason == "ARTIFACT_NOT_FOUND"


async def test_cancelling_means_the_inversions_too(
    stack: Stack, auditor: FakeAuditor, worker: FakeWorker
) -> None:
    audit = await made(stack)
    claimed = auditor.must_claim()
    inversion = auditor.ask_for_inversion(claimed, "1")
    other = (await stack.preimages.CreatePreimage(create())).preimage.id
    request = wire.CancelAuditRequest(id=audit.id, reason="enough")
    await stack.audits.CancelAudit(request)
    assert auditor.progress(claimed, 1) is BeatVerdict.CANCEL

    async def removed() -> bool:
        return await stack.backend.queue.get_job(inversion, "default") is None

    await eventually(removed)
    assert await _state(stack, other) == preimages.STATE_QUEUED
    auditor.stop(claimed)
    ended = await get(stack, audit.id)
    assert (ended.state, ended.cancel_reason) == (preimages.STATE_CANCELLED, "enough")


async def _state(stack: Stack, job_id: str) -> int:
    request = preimage_wire.GetPreimageRequest(id=job_id)
    return (await stack.preimages.GetPreimage(request)).preimage.state


async def test_deleting_leaves_neither_audit_nor_inversions_nor_pictures(
    stack: Stack, auditor: FakeAuditor, worker: FakeWorker
) -> None:
    audit = await made(stack)
    claimed = auditor.must_claim()
    error = await refused(stack.audits.DeleteAudit(wire.DeleteAuditRequest(id=audit.id)))
    assert (error.code, error.reason) == (Code.FAILED_PRECONDITION, "AUDIT_NOT_TERMINAL")
    inversion = auditor.ask_for_inversion(claimed, "1")
    worker.succeed(worker.must_claim())
    auditor.succeed(claimed)
    await stack.audits.DeleteAudit(wire.DeleteAuditRequest(id=audit.id))
    error = await refused(stack.audits.GetAudit(wire.GetAuditRequest(id=audit.id)))
    assert (error.code, error.reason) == (Code.NOT_FOUND, "AUDIT_NOT_FOUND")
    with pytest.raises(grpc.aio.AioRpcError, match="no pre-image"):
        await _state(stack, inversion)
    assert auditor.blobs(claimed) == [None, None, None]


async def test_neither_audits_nor_their_inversions_are_listed(
    stack: Stack, auditor: FakeAuditor
) -> None:
    await made(stack)
    auditor.ask_for_inversion(auditor.must_claim(), "1")
    mine = (await stack.preimages.CreatePreimage(create())).preimage.id
    listed = await stack.preimages.ListPreimages(preimage_wire.ListPreimagesRequest())
    assert [each.id for each in listed.preimages] == [mine]


PREIMAGE_CALLS: dict[str, Any] = {
    "GetPreimage": preimage_wire.GetPreimageRequest,
    "WatchPreimage": preimage_wire.WatchPreimageRequest,
    "CancelPreimage": preimage_wire.CancelPreimageRequest,
    "DeletePreimage": preimage_wire.DeletePreimageRequest,
    "DownloadResult": preimage_wire.DownloadResultRequest,
}
AUDIT_CALLS: dict[str, Any] = {
    "GetAudit": wire.GetAuditRequest,
    "WatchAudit": wire.WatchAuditRequest,
    "CancelAudit": wire.CancelAuditRequest,
    "DeleteAudit": wire.DeleteAuditRequest,
    "GetAuditReport": wire.GetAuditReportRequest,
}


async def _first(call: Any) -> None:  # noqa: ANN401  a call of any kind
    await (anext(aiter(call)) if hasattr(call, "__aiter__") else call)


async def _reason(call: Any) -> str:  # noqa: ANN401  a call of any kind
    return (await refused(_first(call))).reason


@pytest.mark.parametrize("method", PREIMAGE_CALLS)
async def test_an_audit_is_no_pre_image(stack: Stack, auditor: FakeAuditor, method: str) -> None:
    audit = await made(stack)
    call = getattr(stack.preimages, method)(PREIMAGE_CALLS[method](id=audit.id))
    assert await _reason(call) == "PREIMAGE_NOT_FOUND"
    assert (await get(stack, audit.id)).state == preimages.STATE_QUEUED


@pytest.mark.parametrize("method", AUDIT_CALLS)
async def test_a_pre_image_is_no_audit(stack: Stack, auditor: FakeAuditor, method: str) -> None:
    job_id = (await stack.preimages.CreatePreimage(create())).preimage.id
    for wrong in (job_id, "?"):
        call = getattr(stack.audits, method)(AUDIT_CALLS[method](id=wrong))
        assert await _reason(call) == "AUDIT_NOT_FOUND"
    assert await _state(stack, job_id) == preimages.STATE_QUEUED


async def test_nobody_else_can_take_the_names_of_an_audits_inversions(
    stack: Stack, worker: FakeWorker
) -> None:
    error = await refused(stack.preimages.CreatePreimage(create(request_id=f"audit-{'a' * 32}-1")))
    assert "inversions" in error.fields["request_id"]
