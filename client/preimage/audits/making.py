"""Planning audits and handing them in, once for both clients."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, NamedTuple

from preimage.audits.handle import AuditHandle
from preimage.audits.info import AuditPlan, plan_from_wire
from preimage.audits.request import (
    AuditPictures,
    AuditSettings,
    Order,
    check_apart,
    check_attestation,
    count_pictures,
    read_both,
    spec_of_audit,
)
from preimage.errors import InvalidRequest
from preimage.tracing import JOB_ID, operation
from preimage.v1 import audit_pb2, audit_service_pb2

if TYPE_CHECKING:
    from collections.abc import Sequence

    from preimage.calls import Caller

_UPLOAD_SECONDS = 1800.0
"""How long handing in may take: thousands of pictures are sent and decoded."""


class Wish(NamedTuple):
    """What is asked for, in the caller's words."""

    model: str
    layers: Sequence[str]
    settings: AuditSettings


async def hand_in(
    caller: Caller,
    wish: Wish,
    targets: AuditPictures,
    auxiliary: AuditPictures,
    *,
    own_these_pictures: bool,
    request_id: str | None,
) -> AuditHandle:
    """Sends an audit with its pictures."""
    check_attestation(own_these_pictures)
    spec = spec_of_audit(*wish, own_these_pictures=own_these_pictures)
    order = Order(spec, request_id or str(uuid.uuid4()), *read_both(targets, auxiliary))

    async def send() -> audit_service_pb2.CreateAuditResponse:
        method = caller.stubs.audits.CreateAudit
        return await caller.transport.send(method, order.messages(), _UPLOAD_SECONDS)

    with operation("submit audit", {"preimage.model": wish.model}) as span:
        try:
            message = (await caller.repeated(send)).audit
        except InvalidRequest as error:
            error.args = (order.with_names(str(error)),)
            raise
        span.note({JOB_ID: message.id})
    return AuditHandle(caller, message, span.traceparent)


async def plan(
    caller: Caller,
    wish: Wish,
    targets: AuditPictures | int,
    auxiliary: AuditPictures | int,
) -> AuditPlan:
    """Asks what an audit would take."""
    spec = spec_of_audit(*wish, own_these_pictures=False)
    check_apart(targets, auxiliary)
    response = await caller.call(
        lambda stubs: stubs.audits.PlanAudit,
        audit_service_pb2.PlanAuditRequest(
            spec=spec,
            targets=count_pictures(targets, "targets"),
            auxiliary=count_pictures(auxiliary, "auxiliary"),
        ),
    )
    return plan_from_wire(response.plan)


async def take_up(caller: Caller, audit_id: str) -> AuditHandle:
    """Takes up an audit by its id."""
    handle = named(caller, audit_id)
    await handle.refresh()
    return handle


def named(caller: Caller, audit_id: str) -> AuditHandle:
    """Takes up an audit without asking for it, which another scope allows than changing it."""
    return AuditHandle(caller, audit_pb2.Audit(id=audit_id))
