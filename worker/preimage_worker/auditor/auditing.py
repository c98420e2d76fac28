"""One audit: from its pictures to its report."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import torch

from preimage.v1 import work_pb2
from preimage_queue import Claimed, Queue, QueueError, Quotas
from preimage_worker import metrics
from preimage_worker.audit.errors import AuditError
from preimage_worker.audit.plan import AuditPlan
from preimage_worker.audit.records import AuditReport
from preimage_worker.audit.run import cell_name, run
from preimage_worker.auditor.cells import CheckpointStore
from preimage_worker.auditor.errors import (
    CancelledError,
    InversionFailedError,
    LeaseLostError,
    LeavingError,
)
from preimage_worker.auditor.hold import Hold
from preimage_worker.auditor.inverting import QueueInverter
from preimage_worker.auditor.request import plan_of, read_pictures
from preimage_worker.auditor.writing import documents, keeper
from preimage_worker.errors import InvalidSpecError
from preimage_worker.inversion.defences.grammar import spell
from preimage_worker.inversion.errors import InversionError
from preimage_worker.models import Models
from preimage_worker.pictures import Limits


@final
@dataclass(frozen=True, eq=False)
class Tools:
    """What every audit of this process is done with."""

    queue: Queue
    models: Models
    device: torch.device
    limits: Limits


def audit(
    tools: Tools, claimed: Claimed, work: work_pb2.AuditWork, hold: Hold
) -> Mapping[str, bytes]:
    """Carry out an audit; the documents of its report, by their names.

    May be called again for the same audit: what is finished is taken up.

    Raises:
        StoppedError: this auditor may not go on; of a cancelled audit no inversion does either.
        AuditError, InversionError, InvalidSpecError: it cannot be carried out as it was asked for.
        InversionFailedError: an inversion could not be carried out.
        QueueError: the queue cannot be reached.
    """
    hold.tell(doing="reading the pictures")
    model = tools.models.served(work.spec.model).announcement
    sets = read_pictures(tools.queue, claimed, work, model, tools.limits)
    plan = plan_of(work, sets, tools.models, tools.device)
    hold.tell(cells=len(plan.layers) * len(plan.defences), doing="computing codes")
    inverter = QueueInverter(
        tools.queue,
        claimed,
        model,
        hold,
        tools.limits,
        quotas=_quotas(work.allowance),
        weight=work.allowance.weight or 1.0,
    )

    def saved(name: str) -> None:
        inverter.forget()
        metrics.AUDIT_CELLS.inc()
        hold.tell(cells_done=_done(plan, store), doing=f"{name} is finished")

    store = CheckpointStore(
        tools.queue, claimed, keep=keeper(plan, work.spec.pictures), saved=saved
    )
    hold.tell(cells_done=_done(plan, store))
    report = _climb(plan, inverter, store)
    hold.publish()
    hold.check()
    return documents(report, plan, store.pictures, work.spec.pictures)


def _climb(plan: AuditPlan, inverter: QueueInverter, store: CheckpointStore) -> AuditReport:
    """The report. Why there is none decides what becomes of the inversions at hand."""
    try:
        return run(plan, inverter, store)
    except (LeaseLostError, LeavingError, QueueError):
        raise  # whoever goes on with the audit goes on with its inversions
    except (CancelledError, InversionFailedError, AuditError, InversionError, InvalidSpecError):
        inverter.remove()  # nobody asks for them again, and they are of its pictures
        raise
    except Exception:
        inverter.forget()  # the audit may be tried again, and asks for them again then
        raise


def _done(plan: AuditPlan, store: CheckpointStore) -> int:
    """Cells that are done, the control not counted."""
    names = (cell_name(layer, spell(chain)) for layer in plan.layers for chain in plan.defences)
    return sum(store.load(name) is not None for name in names)


def _quotas(allowance: work_pb2.Allowance) -> Quotas:
    return Quotas(
        jobs_queued=allowance.jobs_queued if allowance.HasField("jobs_queued") else None,
        bytes_queued=allowance.bytes_queued if allowance.HasField("bytes_queued") else None,
        slot_seconds=allowance.slot_seconds if allowance.HasField("slot_seconds") else None,
    )
