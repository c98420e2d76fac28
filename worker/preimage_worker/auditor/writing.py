"""The documents of a report, with as many pictures as their owner asked for."""

from collections.abc import Mapping

from preimage.v1 import audit_pb2
from preimage_worker.audit.plan import AuditPlan, Levels
from preimage_worker.audit.records import AuditReport
from preimage_worker.audit.rendering import Gallery, PicturesMode, render

_MODES = {
    audit_pb2.REPORT_PICTURES_THUMBNAIL: PicturesMode.THUMBNAIL,
    audit_pb2.REPORT_PICTURES_FULL: PicturesMode.FULL,
}


def shows_pictures(wish: audit_pb2.ReportPictures.ValueType) -> bool:
    """Whether the owner asked for any. What is not known here shows none."""
    return wish in _MODES


def documents(
    report: AuditReport,
    plan: AuditPlan,
    pictures: Mapping[str, Levels],
    wish: audit_pb2.ReportPictures.ValueType,
) -> Mapping[str, bytes]:
    """The files of a report, by their names.

    Args:
        report: what was found.
        plan: with the originals.
        pictures: the best reconstructions, by the names of cells.
        wish: how many of them are shown.
    """
    gallery = Gallery(_MODES[wish], plan.targets, pictures) if shows_pictures(wish) else None
    return render(report, gallery).files()
