"""Owners of embeddings: clients that audit, and write down all that they did and were told.

In the history an audit is a job like any other: `create`, `get`, `watch`, `cancel`, `delete`, and
`download` for its report. What holds for jobs holds for it.
"""

import random
from typing import Final

from preimage.v1 import audit_service_pb2 as wire
from preimage.v1 import audit_service_pb2_grpc as services
from preimage.v1.audit_pb2 import Audit
from tests.chaos.actor import Actor
from tests.chaos.audit_orders import AuditOrder, Desk, KnownAudit
from tests.chaos.clients import channel, digest
from tests.chaos.history import TERMINAL, History, state_of

_CALL_SECONDS: Final = 3.0
_PAUSE_SECONDS: Final = (0.1, 0.5)
_UNFINISHED: Final = 2
"""Audits of one owner under way: each brings dozens of inversions."""
_TRIES: Final = 12
_OPERATIONS: Final = {
    "submit": 30,
    "watch": 24,
    "get": 20,
    "download": 14,
    "cancel": 3,
    "submit_again": 5,
    "delete": 2,
}
FORMATS: Final = {
    "report.json": wire.AUDIT_REPORT_FORMAT_JSON,
    "report.html": wire.AUDIT_REPORT_FORMAT_HTML,
    "report.md": wire.AUDIT_REPORT_FORMAT_MARKDOWN,
    "report.csv": wire.AUDIT_REPORT_FORMAT_CSV,
}


class Owner(Actor):
    """One of a few; `run` acts until it is told to stop."""

    def __init__(
        self, name: str, target: str, history: History, desk: Desk, dice: random.Random
    ) -> None:
        connected = channel(target)
        super().__init__([connected], _OPERATIONS, _PAUSE_SECONDS, dice)
        self.name, self._history, self._desk = name, history, desk
        self._stub = services.AuditServiceStub(connected)
        self._mine: list[KnownAudit] = []
        self._orders = 0

    async def submit(self) -> None:
        """Ask for an audit, or wait for an earlier one."""
        self._mine = [each for each in self._mine if each.state not in TERMINAL]
        if len(self._mine) >= _UNFINISHED:
            await self.watch(self._mine[0])
            return
        self._orders += 1
        await self.place(self._desk.next_order(self._dice, f"{self.name}-{self._orders}"))

    async def submit_again(self) -> None:
        """Repeat the request of an audit: it must be the same one."""
        if known := self._desk.pick(self._dice, "QUEUED", "RUNNING", *TERMINAL):
            await self._create(known.order)

    async def watch(self, known: KnownAudit | None = None) -> None:
        """Follow an audit for a while."""
        known = known or self._desk.pick(self._dice, "QUEUED", "RUNNING")
        if known is None:
            return
        with self._history.call(self.name, "watch", job=known.id) as operation:
            request = wire.WatchAuditRequest(id=known.id)
            async for event in self._stub.WatchAudit(request, timeout=_CALL_SECONDS):
                if event.HasField("state"):
                    operation.seen(Audit(id=known.id, state=event.state))
                if event.HasField("finished"):
                    operation.seen(event.finished)
                    self._learn(event.finished)
            operation.returned()

    async def get(self) -> None:
        """Look at an audit."""
        if known := self._desk.pick(self._dice, "QUEUED", "RUNNING", *TERMINAL):
            with self._history.call(self.name, "get", job=known.id) as operation:
                request = wire.GetAuditRequest(id=known.id)
                reply = await self._stub.GetAudit(request, timeout=_CALL_SECONDS)
                operation.returned(reply.audit)
                self._learn(reply.audit)

    async def cancel(self) -> None:
        """Cancel an audit, and its inversions with it."""
        if known := self._desk.pick(self._dice, "QUEUED", "RUNNING"):
            with self._history.call(self.name, "cancel", job=known.id) as operation:
                request = wire.CancelAuditRequest(id=known.id, reason=self.name)
                reply = await self._stub.CancelAudit(request, timeout=_CALL_SECONDS)
                operation.returned(reply.audit)
                self._learn(reply.audit)

    async def delete(self) -> None:
        """Delete an audit that has ended, and its inversions with it."""
        if known := self._desk.pick(self._dice, *TERMINAL):
            known.deleted = True
            with self._history.call(self.name, "delete", job=known.id) as operation:
                request = wire.DeleteAuditRequest(id=known.id)
                await self._stub.DeleteAudit(request, timeout=_CALL_SECONDS)
                operation.returned()

    async def download(self) -> None:
        """Fetch a report."""
        if known := self._desk.pick(self._dice, "SUCCEEDED"):
            name = self._dice.choice(list(FORMATS))
            await report(self._stub, self._history, self.name, known.id, name)

    async def place(self, order: AuditOrder) -> None:
        """Hand an order in, and again until there is an answer."""
        for _ in range(_TRIES):
            if await self._create(order):
                return
            await self._pause()
        self._desk.unanswered.append(order)

    async def _create(self, order: AuditOrder) -> bool:
        order.tries += 1
        with self._history.call(self.name, "create", order.header.request_id) as operation:
            reply = await self._stub.CreateAudit(order.messages(), timeout=_CALL_SECONDS)
            operation.returned(reply.audit)
            self._accept(order, reply.audit)
            return True
        return False

    def _accept(self, order: AuditOrder, audit: Audit) -> None:
        if audit.id not in self._desk.audits:
            known = self._desk.audits[audit.id] = KnownAudit(audit.id, order)
            self._mine.append(known)
        self._learn(audit)

    def _learn(self, audit: Audit) -> None:
        known = self._desk.audits[audit.id]
        if known.state not in TERMINAL:
            known.state = state_of(audit)


async def report(
    stub: services.AuditServiceStub, history: History, client: str, audit: str, name: str
) -> tuple[int, bytes] | None:
    """Fetch a whole report, with the length that it shall have; None if the call failed."""
    with history.call(client, "download", job=audit) as operation:
        data, stated = bytearray(), 0
        request = wire.GetAuditReportRequest(id=audit, format=FORMATS[name])
        async for part in stub.GetAuditReport(request, timeout=_CALL_SECONDS):
            stated = stated or part.total_bytes
            data += part.chunk
        operation.returned(detail=f"{name} {digest(bytes(data))}")
        return stated, bytes(data)
    return None
