"""What an audit does, once for `Audit` and `AsyncAudit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from preimage.audits.info import (
    AuditEvent,
    AuditFinished,
    AuditInfo,
    AuditProgress,
    audit_from_wire,
    audit_progress_from_wire,
)
from preimage.audits.report import NAMES, report_from_files
from preimage.errors import DeadlineExceeded, NotFound, PreimageError, ServiceError, Unavailable
from preimage.events import StateChanged
from preimage.handle import with_advice
from preimage.jobinfo import state_from_wire
from preimage.tracing import JOB_ID, operation
from preimage.v1 import audit_pb2, audit_service_pb2
from preimage.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from preimage.audits.report import AuditReport
    from preimage.calls import Caller
    from preimage.transport import Stream

Answer = audit_service_pb2.WatchAuditResponse

_FORMATS = dict(
    zip(
        NAMES,
        (
            audit_service_pb2.AUDIT_REPORT_FORMAT_JSON,
            audit_service_pb2.AUDIT_REPORT_FORMAT_HTML,
            audit_service_pb2.AUDIT_REPORT_FORMAT_MARKDOWN,
            audit_service_pb2.AUDIT_REPORT_FORMAT_CSV,
        ),
        strict=True,
    )
)


@final
class AuditHandle:
    """An audit: the last message about it, and the calls that concern it."""

    def __init__(self, caller: Caller, message: audit_pb2.Audit, trace: str = "") -> None:
        self.caller = caller
        self.message = message
        self._trace = trace
        self.abandoned = False

    @property
    def info(self) -> AuditInfo:
        """What was last heard of the audit."""
        return audit_from_wire(self.message)

    async def restore(self) -> None:
        """Does nothing: its pictures are not kept here."""

    def lose(self, error: NotFound) -> None:
        """Raises the error: an audit is not handed in again by itself."""
        raise error

    def left_alone(self, error: ServiceError) -> ServiceError:
        """Returns the error, saying where the audit can be taken up again if that makes sense."""
        if not error.repeatable:
            return error
        doubt = " if its queue is still there" if isinstance(error, Unavailable) else ""
        return with_advice(error, f"Audit {self.message.id} goes on{doubt}; {self._again}.")

    def late(self, timeout_seconds: float | None) -> DeadlineExceeded:
        """Builds the error of a wait that was too short."""
        return DeadlineExceeded(
            f"Audit {self.message.id} has not ended within {timeout_seconds} seconds. It goes on; "
            f"{self._again}, or cancel it."
        )

    @property
    def _again(self) -> str:
        audit_id = self.message.id
        return (
            f"take it up again with client.audit_by_id({audit_id!r}) or "
            f"`preimage audit show {audit_id}`"
        )

    def open_watch(self, resume_token: str, timeout_seconds: float | None) -> Stream[Answer]:
        """Begins a stream of what happens to the audit, behind the token."""
        request = audit_service_pb2.WatchAuditRequest(id=self.message.id, resume_token=resume_token)
        method = self.caller.stubs.audits.WatchAudit
        return self.caller.transport.stream(method, request, timeout_seconds)

    def heard(self, answer: Answer) -> AuditEvent | None:
        """Takes note of what a watch has told, and returns the event."""
        match answer.WhichOneof("event"):
            case "state":
                self.message.state = answer.state
                return StateChanged(state_from_wire(answer.state))
            case "progress":
                self.message.progress.CopyFrom(answer.progress)
                return audit_progress_from_wire(answer.progress)
            case "finished":
                self.message = answer.finished
                return AuditFinished(self.info)
            case _:
                return None

    def watch(self, timeout_seconds: float | None = None) -> Watch[Answer, AuditEvent]:
        """Begins to watch the audit."""
        return Watch(self, timeout_seconds)

    async def refresh(self) -> AuditInfo:
        """Asks where the audit stands."""
        response = await self.caller.call(
            lambda stubs: stubs.audits.GetAudit,
            audit_service_pb2.GetAuditRequest(id=self.message.id),
        )
        self.message = response.audit
        return self.info

    async def cancel(self, reason: str) -> AuditInfo:
        """Cancels the audit."""
        response = await self.caller.call(
            lambda stubs: stubs.audits.CancelAudit,
            audit_service_pb2.CancelAuditRequest(id=self.message.id, reason=reason),
        )
        self.message = response.audit
        return self.info

    async def delete(self) -> None:
        """Deletes the audit."""
        await self.caller.call(
            lambda stubs: stubs.audits.DeleteAudit,
            audit_service_pb2.DeleteAuditRequest(id=self.message.id),
        )

    async def wait(
        self, timeout_seconds: float | None, on_progress: Callable[[AuditProgress], None] | None
    ) -> AuditReport:
        """Waits for the end, then fetches the report."""
        with operation("wait for audit", {JOB_ID: self.message.id}, parent=self._trace):
            return await self._wait(timeout_seconds, on_progress)

    async def _wait(
        self, timeout_seconds: float | None, on_progress: Callable[[AuditProgress], None] | None
    ) -> AuditReport:
        if not self.info.state.terminal:
            await self._follow(self.watch(timeout_seconds), on_progress)
        if (error := self.info.error) is not None:
            raise error
        return report_from_files({name: await self._fetch(name) for name in NAMES})

    async def _follow(
        self,
        watch: Watch[Answer, AuditEvent],
        on_progress: Callable[[AuditProgress], None] | None,
    ) -> None:
        try:
            while (event := await watch.read()) is not None:
                if isinstance(event, AuditProgress) and on_progress is not None:
                    on_progress(event)
        finally:
            await watch.close()

    async def _fetch(self, name: str) -> bytes:
        """Fetches a file of the report; one that its auditor did not write is empty."""
        try:
            return await self.caller.repeated(lambda: self._fetch_once(name))
        except NotFound as error:
            if error.reason != "ARTIFACT_NOT_FOUND" or name == NAMES[0]:
                raise
            return b""

    async def _fetch_once(self, name: str) -> bytes:
        request = audit_service_pb2.GetAuditReportRequest(id=self.message.id, format=_FORMATS[name])
        stream = self.caller.open(lambda stubs: stubs.audits.GetAuditReport, request)
        data, total_bytes = bytearray(), 0
        try:
            while (part := await stream.read()) is not None:
                data += part.chunk
                total_bytes = part.total_bytes or total_bytes
        finally:
            await stream.close()
        if len(data) != total_bytes:
            raise PreimageError(
                f"{name} of audit {self.message.id} did not arrive whole: {len(data)} of "
                f"{total_bytes} bytes came."
            )
        return bytes(data)
