"""The documents of a report."""

from collections.abc import Mapping

from preimage.v1 import audit_pb2
from preimage_worker.audit.plain import to_json
from preimage_worker.audit.plan import AuditPlan, Levels
from preimage_worker.audit.records import AuditReport


def documents(
    report: AuditReport,
    plan: AuditPlan,
    pictures: Mapping[str, Levels],
    shown: audit_pb2.ReportPictures.ValueType,
) -> Mapping[str, bytes]:
    """The files of a report, by their names."""
    return {"report.json": to_json(report).encode()}
