"""GetAuditReport: the report of an audit, in chunks."""

from collections.abc import AsyncIterator

from preimage.v1.audit_service_pb2 import (
    AuditReportFormat,
    GetAuditReportRequest,
    GetAuditReportResponse,
)
from preimage_queue import Job, State
from preimage_service.audit_errors import AuditNotFoundError
from preimage_service.backend import Backend
from preimage_service.checks.fields import check_enum
from preimage_service.errors import (
    ArtifactNotFoundError,
    InvalidRequestError,
    PreimageNotFoundError,
    ResultNotReadyError,
)
from preimage_service.methods.downloading import pieces
from preimage_service.methods.reading import read_audit

_NAMES = {
    AuditReportFormat.AUDIT_REPORT_FORMAT_UNSPECIFIED: "report.json",
    AuditReportFormat.AUDIT_REPORT_FORMAT_JSON: "report.json",
    AuditReportFormat.AUDIT_REPORT_FORMAT_HTML: "report.html",
    AuditReportFormat.AUDIT_REPORT_FORMAT_MARKDOWN: "report.md",
    AuditReportFormat.AUDIT_REPORT_FORMAT_CSV: "report.csv",
}
"""What auditors call their outputs."""


async def report(
    backend: Backend, tenant: str, request: GetAuditReportRequest
) -> AsyncIterator[GetAuditReportResponse]:
    """Stream a report; the first message states the whole length.

    Raises:
        AuditNotFoundError: no such audit, or it expired on the way.
        ResultNotReadyError: it has not ended, or ended without a report.
        ArtifactNotFoundError: its auditor wrote no report of this kind.
    """
    faults = list(check_enum(request.format, AuditReportFormat.DESCRIPTOR, "format"))
    if faults:
        raise InvalidRequestError(faults)
    job = (await read_audit(backend, tenant, request.id)).job
    name = _NAMES[request.format]
    _check_there(job, name)
    try:
        async for offset, chunk in pieces(backend, tenant, request.id, name):
            total_bytes = 0 if offset else chunk.total_bytes
            yield GetAuditReportResponse(chunk=chunk.data, total_bytes=total_bytes)
    except PreimageNotFoundError:
        raise AuditNotFoundError(request.id) from None


def _check_there(job: Job, name: str) -> None:
    if job.state is not State.SUCCEEDED:
        next_step = "it has no report" if job.state.terminal else "wait until it has ended"
        sentence = f"Audit {job.id} is {job.state}: {next_step}."
        raise ResultNotReadyError(sentence, f"audits/{job.id}")
    if name not in job.outputs:
        there = ", ".join(job.outputs) or "nothing"
        raise ArtifactNotFoundError(
            f"The auditor wrote no {name}; there is {there}.", {"id": job.id, "name": name}
        )
