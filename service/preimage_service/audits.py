"""From a job of the queue to the audit that callers see. Pure translation."""

from collections import Counter
from collections.abc import Mapping

from google.rpc.code_pb2 import Code

from preimage.v1.audit_pb2 import Audit, AuditProgress, AuditRole
from preimage.v1.work_pb2 import AuditWork, WorkEvent, WorkItem
from preimage_queue import JobDetail, State
from preimage_service.resources import WIRE_STATES, error_of, to_timestamp

_UNEXPLAINED: Mapping[str, tuple[int, str]] = {
    "MAX_DELIVERIES": (
        Code.ABORTED,
        "Every auditor that took the audit up was lost: ask the operator for the auditor's log.",
    ),
}
"""Ends that no auditor was there to explain."""


def to_audit(detail: JobDetail) -> Audit:
    """The resource of an audit."""
    job, work = detail.job, WorkItem.FromString(detail.spec).audit
    roles = Counter(picture.role for picture in work.pictures)
    audit = Audit(
        id=job.id,
        request_id="" if job.request_id == job.id else job.request_id,
        state=WIRE_STATES[job.state],
        spec=work.spec,
        targets=roles[AuditRole.AUDIT_ROLE_TARGET],
        auxiliary=roles[AuditRole.AUDIT_ROLE_AUXILIARY],
        plan=work.plan,
        progress=_progress_of(detail, work),
        create_time=to_timestamp(job.created_ms),
        start_time=to_timestamp(job.started_ms),
        end_time=to_timestamp(job.finished_ms),
        expire_time=to_timestamp(job.expires_ms),
        cancel_reason=job.cancel_reason,
    )
    if job.state is State.FAILED:
        audit.error.CopyFrom(error_of(detail, _UNEXPLAINED))
    return audit


def _progress_of(detail: JobDetail, work: AuditWork) -> AuditProgress:
    """As its auditor last reported; before that, what there is to do."""
    progress = AuditProgress(cells=work.plan.cells)
    progress.MergeFrom(WorkEvent.FromString(detail.event).audit)
    return progress
