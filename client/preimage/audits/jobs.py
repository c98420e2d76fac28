"""An audit in the caller's hands: `Audit` for `Client`, `AsyncAudit` for `AsyncClient`."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from preimage.running import run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from preimage.audits.handle import AuditHandle
    from preimage.audits.info import AuditEvent, AuditInfo, AuditProgress
    from preimage.audits.report import AuditReport
    from preimage.enums import State


class AuditView:
    """What `Audit` and `AsyncAudit` share: what was last heard of the audit."""

    def __init__(self, handle: AuditHandle) -> None:
        self._handle = handle

    @property
    def id(self) -> str:
        """The server's name for the audit."""
        return self._handle.info.id

    @property
    def state(self) -> State:
        """Where the audit stood when it was last heard of."""
        return self._handle.info.state

    @property
    def info(self) -> AuditInfo:
        """All that was last heard of the audit."""
        return self._handle.info

    def __repr__(self) -> str:
        info = self.info
        layers = ", ".join(info.layers)
        return f"<{type(self).__name__} {info.id}: {info.model} {layers}, {info.state}>"


@final
class Audit(AuditView):
    """An audit, from `Client.audit` or `Client.audit_by_id`."""

    def refresh(self) -> AuditInfo:
        """Asks the server where the audit stands."""
        return run(self._handle.refresh())

    def watch(self) -> Iterator[AuditEvent]:
        """Yields what happens until the audit is terminal; the last event is `AuditFinished`.

        A stream that breaks is resumed by itself, for about a minute, and no event is seen twice.

        Raises:
            NotFound: there is no such audit (any more).
            Unavailable: the service did not come back.
        """
        watch = self._handle.watch()
        try:
            while (event := run(watch.read())) is not None:
                yield event
        finally:
            run(watch.close())

    def result(
        self,
        *,
        timeout_seconds: float | None = None,
        on_progress: Callable[[AuditProgress], None] | None = None,
    ) -> AuditReport:
        """Waits for the end and fetches the report.

        Args:
            timeout_seconds: how long to wait; the audit goes on afterwards. None: no limit.
            on_progress: called with every progress.

        Raises:
            JobFailed: it ended FAILED.
            JobCancelled: it ended CANCELLED.
            DeadlineExceeded: it had not ended in time.
        """
        return run(self._handle.wait(timeout_seconds, on_progress))

    def cancel(self, reason: str = "") -> AuditInfo:
        """Cancels the audit, with all of its inversions.

        Args:
            reason: why, for the record; at most 200 characters.
        """
        return run(self._handle.cancel(reason))

    def delete(self) -> None:
        """Deletes the terminal audit: report, pictures and figures.

        Raises:
            NotReady: it is not terminal; cancel it first.
        """
        run(self._handle.delete())


@final
class AsyncAudit(AuditView):
    """An audit, from `AsyncClient.audit` or `AsyncClient.audit_by_id`."""

    async def refresh(self) -> AuditInfo:
        """Asks the server where the audit stands."""
        return await self._handle.refresh()

    async def watch(self) -> AsyncIterator[AuditEvent]:
        """Yields what happens until the audit is terminal; see `Audit.watch`."""
        watch = self._handle.watch()
        try:
            while (event := await watch.read()) is not None:
                yield event
        finally:
            await watch.close()

    async def result(
        self,
        *,
        timeout_seconds: float | None = None,
        on_progress: Callable[[AuditProgress], None] | None = None,
    ) -> AuditReport:
        """Waits for the end and fetches the report; see `Audit.result`."""
        return await self._handle.wait(timeout_seconds, on_progress)

    async def cancel(self, reason: str = "") -> AuditInfo:
        """Cancels the audit, with all of its inversions; see `Audit.cancel`."""
        return await self._handle.cancel(reason)

    async def delete(self) -> None:
        """Deletes the terminal audit: report, pictures and figures; see `Audit.delete`."""
        await self._handle.delete()
