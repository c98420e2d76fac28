"""Audits of the steady load: small ones, which auditors carry out with inversions of their own."""

import asyncio
import random
from typing import Final

import grpc

from preimage.v1 import audit_service_pb2 as wire
from preimage.v1.audit_service_pb2_grpc import AuditServiceStub
from tests.chaos.audit_orders import KINDS, make_audit
from tests.chaos.history import TERMINAL
from tests.soak.ledger import ABANDONED, Job, Ledger

CALL_SECONDS: Final = 120.0
"""An audit takes seconds, on a busy machine more."""
_UNENDED: Final = 3
_HESITATION_SECONDS: Final = 0.05
_GONE: Final = "NOT_FOUND"


class Auditing:
    """What one client does with audits."""

    def __init__(self, channel: grpc.aio.Channel, ledger: Ledger, dice: random.Random) -> None:
        self._stub = AuditServiceStub(channel)
        self._ledger, self._dice = ledger, dice

    async def audit(self) -> None:
        """Ask for an audit, unless there are enough, and follow it to its end."""
        if sum(job.audit for job in self._ledger.unended()) >= _UNENDED:
            return
        order = make_audit(self._dice.randrange(KINDS), "")
        with self._ledger.call("audit"):
            reply = await self._stub.CreateAudit(order.messages(), timeout=CALL_SECONDS)
            self._ledger.learn(reply.audit)
            request = wire.WatchAuditRequest(id=reply.audit.id)
            async for event in self._stub.WatchAudit(request, timeout=CALL_SECONDS):
                if event.HasField("finished"):
                    self._ledger.learn(event.finished)

    async def abandon(self) -> None:
        """Go away before all pictures were sent."""
        header, picture, *_ = make_audit(0, "").messages()
        call = self._stub.CreateAudit(timeout=CALL_SECONDS)
        for message in (header, picture):
            await call.write(message)
        await asyncio.sleep(self._dice.uniform(0, _HESITATION_SECONDS))
        call.cancel()
        self._ledger.calls[f"audit {ABANDONED}"] += 1

    async def look(self) -> None:
        """Look at an audit, and read its report."""
        job = self._ledger.pick(self._dice, *TERMINAL, audit=True)
        if job is None:
            return
        await look_at_audit(self._stub, self._ledger, job)
        if job.state == "SUCCEEDED":
            with self._ledger.call("report", _GONE):
                request = wire.GetAuditReportRequest(id=job.id)
                async for _ in self._stub.GetAuditReport(request, timeout=CALL_SECONDS):
                    pass

    async def cancel(self) -> None:
        """Cancel an audit."""
        if job := self._ledger.pick(self._dice, "QUEUED", "RUNNING", audit=True):
            with self._ledger.call("cancel audit", _GONE):
                request = wire.CancelAuditRequest(id=job.id)
                reply = await self._stub.CancelAudit(request, timeout=CALL_SECONDS)
                self._ledger.learn(reply.audit)

    async def delete(self) -> None:
        """Delete an audit that has ended."""
        if job := self._ledger.pick(self._dice, *TERMINAL, audit=True):
            job.deleted = True
            with self._ledger.call("delete audit", _GONE):
                request = wire.DeleteAuditRequest(id=job.id)
                await self._stub.DeleteAudit(request, timeout=CALL_SECONDS)


async def look_at_audit(stub: AuditServiceStub, ledger: Ledger, job: Job) -> None:
    """Ask for an audit, which may not be there any more."""
    with ledger.call("get audit", _GONE):
        reply = await stub.GetAudit(wire.GetAuditRequest(id=job.id), timeout=CALL_SECONDS)
        ledger.learn(reply.audit)
        return
    ledger.gone(job)
