"""CreateAudit, GetAudit, CancelAudit and DeleteAudit.

An audit is one job of the queue, for auditors, who bring its inversions there as jobs of the same
tenant. Whoever cancels or deletes it means those too.
"""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, suppress
from typing import Final

from preimage.v1 import audit_service_pb2 as wire
from preimage.v1.audit_pb2 import AuditPlan, AuditRole
from preimage.v1.work_pb2 import AuditWork, StoredPicture, WorkItem
from preimage_orders import allowance_of, audit_job, inversion_prefix
from preimage_queue import (
    CancelVerdict,
    DeleteVerdict,
    QueueError,
    SubmitOutcome,
    Submitted,
)
from preimage_service.admission import hand_in, store_bytes
from preimage_service.album import Leaf, take_album
from preimage_service.audit_errors import AuditNotFoundError, AuditNotTerminalError
from preimage_service.audits import to_audit
from preimage_service.backend import Backend
from preimage_service.checks.audits import check_attested
from preimage_service.checks.fields import check_request_id, check_text
from preimage_service.errors import InvalidRequestError, TensorNotFoundError, Violation
from preimage_service.glance import look_at_room_for_audit
from preimage_service.identity import caller
from preimage_service.methods.ending import LONGEST_REASON
from preimage_service.methods.parts import Parts, detached
from preimage_service.methods.planning import Subject, find_subject, plan_within
from preimage_service.methods.reading import read_audit

_SPEC: Final = "header.spec"
_TRIES: Final = 3
_UNTIL_SUBMITTED_SECONDS: Final = 300.0
"""Many pictures are stored one after the other; if the queue then refuses, they are soon gone."""

_PAGE: Final = 500
_CLOCKS_DIFFER_MS: Final = 3_600_000
"""Ids begin with the time of whoever made them: an auditor's clock may be behind ours."""

_log = logging.getLogger(__name__)


async def create(
    backend: Backend, tenant: str, requests: AsyncIterator[wire.CreateAuditRequest]
) -> wire.CreateAuditResponse:
    """Accept an audit.

    Raises:
        InvalidRequestError: everything that is wrong with the header; then, with the pictures;
            then, that it would take too much.
        MissingError: a model is not there.
        UnmetError: a model cannot be used now, or no auditor is running.
        ExhaustedError: the queue takes no more now.
        WaitTimeoutError: nothing came for too long.
    """
    parts = Parts(requests, backend.settings, "send the audit again")
    header = _read_header(await parts.next())
    faults = [
        *check_request_id(header.request_id, "header.request_id"),
        *check_attested(header.spec, _SPEC),
    ]
    subject = await find_subject(backend, header.spec, faults, _SPEC)
    await look_at_room_for_audit(backend, tenant, header.request_id)
    with ExitStack() as held:
        album = await take_album(backend, parts, held)
        targets = sum(leaf.role == AuditRole.AUDIT_ROLE_TARGET for leaf in album)
        numbers = targets, len(album) - targets
        plan = plan_within(backend, header.spec, subject, numbers, _SPEC)
        item = _item(header, album, subject, plan)
        reply = await _submit(backend, tenant, header, album, item)
    detail = await read_audit(backend, tenant, reply.job_id)
    existed = reply.outcome is SubmitOutcome.EXISTING
    return wire.CreateAuditResponse(audit=to_audit(detail), existed=existed)


def _read_header(part: wire.CreateAuditRequest | None) -> wire.AuditHeader:
    if part is None or not part.HasField("header"):
        raise InvalidRequestError([Violation("header", "must be the first message")])
    if not part.header.HasField("spec"):
        raise InvalidRequestError([Violation(_SPEC, "is required")])
    return detached(part.header, part)


def _item(
    header: wire.AuditHeader, album: Sequence[Leaf], subject: Subject, plan: AuditPlan
) -> WorkItem:
    work = AuditWork(
        spec=header.spec,
        pictures=[StoredPicture(role=leaf.role, digest=leaf.digest) for leaf in album],
        plan=plan,
        independent_digest=subject.independent.digest if subject.independent else "",
        allowance=allowance_of(caller().quotas, caller().weight),
    )
    model = subject.model
    item = WorkItem(audit=work, model_digest=model.digest, engine=model.engine)
    item.DiscardUnknownFields()
    return item


async def _submit(
    backend: Backend, tenant: str, header: wire.AuditHeader, album: Sequence[Leaf], item: WorkItem
) -> Submitted:
    """As `_bring`, again where a picture has gone in between.

    A Redis that is killed has promised the audit only, and whoever deletes another audit of the
    same pictures takes them along.
    """
    for _ in range(_TRIES - 1):
        with suppress(TensorNotFoundError):
            return await _bring(backend, tenant, header, album, item)
    return await _bring(backend, tenant, header, album, item)


async def _bring(
    backend: Backend, tenant: str, header: wire.AuditHeader, album: Sequence[Leaf], item: WorkItem
) -> Submitted:
    """Store the pictures, and then the audit."""
    for leaf in album:
        await store_bytes(
            backend, tenant, leaf.encoded, gathered_for_seconds=_UNTIL_SUBMITTED_SECONDS
        )
    brought = {each.digest: f"picture[{i}]" for i, each in enumerate(item.audit.pictures)}
    return await hand_in(
        backend, audit_job(tenant, header.request_id, item, list(brought)), brought
    )


async def get(
    backend: Backend, tenant: str, request: wire.GetAuditRequest
) -> wire.GetAuditResponse:
    """Return an audit."""
    return wire.GetAuditResponse(audit=to_audit(await read_audit(backend, tenant, request.id)))


async def cancel(
    backend: Backend, tenant: str, request: wire.CancelAuditRequest
) -> wire.CancelAuditResponse:
    """Cancel an audit and remove its inversions; one that has ended stays as it is."""
    faults = list(check_text(request.reason, "reason", LONGEST_REASON))
    if faults:
        raise InvalidRequestError(faults)
    await read_audit(backend, tenant, request.id)
    reply = await backend.queue.cancel(request.id, tenant, request.reason)
    if reply.verdict is CancelVerdict.NOT_FOUND:
        raise AuditNotFoundError(request.id)
    _log.info("%s", reply.verdict.sentence)
    backend.afterwards(_remove_inversions(backend, tenant, request.id))
    detail = await read_audit(backend, tenant, request.id)
    return wire.CancelAuditResponse(audit=to_audit(detail))


async def _remove_inversions(backend: Backend, tenant: str, audit_id: str) -> None:
    """What they found is of the audit's pictures. The auditor, if any, removes what comes later."""
    try:
        async for job_id in _inversions(backend, tenant, audit_id):
            await backend.queue.delete(job_id, tenant)
    except QueueError as error:
        _log.warning("its inversions could not be removed: %s", error)


async def delete(
    backend: Backend, tenant: str, request: wire.DeleteAuditRequest
) -> wire.DeleteAuditResponse:
    """Delete an audit that has ended, with its inversions: their results are of its pictures.

    Raises:
        AuditNotTerminalError: it has not.
    """
    detail = await read_audit(backend, tenant, request.id)
    if not detail.job.state.terminal:
        sentence = f"Audit {request.id} is {detail.job.state}: cancel it, then delete it."
        raise AuditNotTerminalError(sentence, f"audits/{request.id}")
    async for job_id in _inversions(backend, tenant, request.id):
        await backend.queue.delete(job_id, tenant)
    verdict = await backend.queue.delete(request.id, tenant)
    if verdict is DeleteVerdict.NOT_FOUND:
        raise AuditNotFoundError(request.id)
    _log.info("deleted")
    return wire.DeleteAuditResponse()


async def _inversions(backend: Backend, tenant: str, audit_id: str) -> AsyncIterator[str]:
    """Ids of the jobs that an audit has asked for: all of them are newer than it is."""
    prefix, oldest = inversion_prefix(audit_id), _made_ms(audit_id) - _CLOCKS_DIFFER_MS
    cursor, more = "", True
    while more:
        page = await backend.queue.list_jobs(tenant, limit=_PAGE, cursor=cursor)
        for job in page.jobs:
            if job.request_id.startswith(prefix):
                yield job.id
        cursor = page.next_cursor
        more = bool(cursor) and _made_ms(cursor) >= oldest


def _made_ms(job_id: str) -> int:
    """When an id was made, by the clock of its maker: see `preimage_queue.new_id`."""
    return int(job_id[:12], 16)
