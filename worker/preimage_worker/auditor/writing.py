"""The documents of a report, with as many pictures as their owner asked for."""

from collections.abc import Callable, Mapping

from preimage.v1 import audit_pb2
from preimage_worker.audit.plan import AuditPlan, Levels
from preimage_worker.audit.records import AuditReport
from preimage_worker.audit.rendering import Gallery, Kept, PicturesMode, keep, render
from preimage_worker.audit.rendering.gallery import FULL_BYTES

_MODES = {
    audit_pb2.REPORT_PICTURES_THUMBNAIL: PicturesMode.THUMBNAIL,
    audit_pb2.REPORT_PICTURES_FULL: PicturesMode.FULL,
}


def keeper(
    plan: AuditPlan, wish: audit_pb2.ReportPictures.ValueType
) -> Callable[[Levels], Kept] | None:
    """What takes of a cell's reconstructions those that the report may show.

    None where the owner asked for none, or for what is not known here.
    """
    if wish not in _MODES:
        return None
    share = FULL_BYTES // (len(plan.layers) * len(plan.defences))
    return lambda found: keep(_MODES[wish], plan.targets, found, share)


def documents(
    report: AuditReport,
    plan: AuditPlan,
    pictures: Mapping[str, Kept],
    wish: audit_pb2.ReportPictures.ValueType,
) -> Mapping[str, bytes]:
    """The files of a report, by their names.

    Args:
        report: what was found.
        plan: with the originals.
        pictures: of the best reconstructions what was kept, by the names of cells.
        wish: how many of them are shown.
    """
    gallery = Gallery(_MODES[wish], plan.targets, pictures) if wish in _MODES else None
    return render(report, gallery).files()
