"""What can stand against a call about an audit, beside what can against any. See `errors`."""

from typing import final

from preimage.v1.preimage_service_pb2 import ErrorReason
from preimage_service.errors import MissingError, UnmetError


@final
class AuditNotFoundError(MissingError):
    """No such audit, or it has expired, or it is another tenant's."""

    reason = ErrorReason.ERROR_REASON_AUDIT_NOT_FOUND

    def __init__(self, audit_id: str) -> None:
        super().__init__(
            f"There is no audit {audit_id[:64]!r}; reports are forgotten after a while.",
            {"id": audit_id[:64]},
        )


@final
class AuditNotTerminalError(UnmetError):
    """The audit has not ended."""

    reason = ErrorReason.ERROR_REASON_AUDIT_NOT_TERMINAL


@final
class AuditorNotRunningError(UnmetError):
    """No live auditor takes audits."""

    reason = ErrorReason.ERROR_REASON_AUDITOR_NOT_RUNNING

    def __init__(self) -> None:
        super().__init__(
            "No auditor is running here, so no audit can be carried out: ask the operator to start"
            " one (python -m preimage_worker.auditor).",
            "auditors",
        )
