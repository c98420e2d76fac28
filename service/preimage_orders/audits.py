"""What an audit takes, and the job of the queue that it is."""

import hashlib
import re
from collections.abc import Sequence
from typing import Final

from preimage.v1 import audit_pb2 as wire
from preimage.v1 import work_pb2
from preimage_orders.profiles import effort_of
from preimage_orders.rungs import inverters_of, inverts, remarks_on
from preimage_queue import Lane, NewJob, Quotas, new_id

AUDIT_POOL: Final = "audit"
"""What an auditor serves. No model has this pool: theirs hold an @."""

AUDIT_KEY: Final = "audit"
_COST: Final = 1.0
"""Next to nothing: its inversions are jobs of their own, and pay for themselves. So do its hours:
an auditor mostly waits for them."""

_OF_AN_AUDIT: Final = re.compile(r"audit-[0-9a-f]{32}-.*")


def plan_of(spec: wire.AuditSpec, targets: int, rate: float) -> wire.AuditPlan:
    """What an audit takes, its known-answer control included.

    Args:
        spec: what is asked for.
        targets: pictures that are attacked.
        rate: lane-steps a second of the workers that would do it; 0 if nobody says.
    """
    effort, layers = effort_of(spec), len(spec.layers)
    attempts = len(effort.prior_factors) * effort.restarts
    each = attempts * layers * inverters_of(spec) * targets
    control = attempts * min(effort.control_pictures, targets) if inverts(spec) else 0
    plan = wire.AuditPlan(
        cells=layers * (1 + len(spec.defences)),
        least_inversions=each * len(effort.least_budgets) + control,
        most_inversions=(each + control) * len(effort.budgets),
        least_passes=each * sum(effort.least_budgets) + control * effort.steps,
        most_passes=(each + control) * sum(effort.budgets),
        remarks=remarks_on(spec, targets),
    )
    if rate > 0:
        plan.least_seconds = plan.least_passes / rate
        plan.most_seconds = plan.most_passes / rate
    return plan


def audit_job(
    tenant: str, request_id: str, item: work_pb2.WorkItem, blobs: Sequence[str]
) -> NewJob:
    """The job as the queue sees it.

    Args:
        tenant: whose it is.
        request_id: the caller's own name for it; empty: not idempotent.
        item: the work, with all pictures named by their digests.
        blobs: those digests.
    """
    job_id, spec = new_id(), item.audit.spec
    return NewJob(
        id=job_id,
        tenant=tenant,
        request_id=request_id or job_id,
        fingerprint=_fingerprint(item),
        lane=Lane.BATCH,
        pool=AUDIT_POOL,
        batch_key=AUDIT_KEY,
        slots=1,
        cost=_COST,
        metered=False,
        gathered=True,
        spec=item.SerializeToString(deterministic=True),
        blobs=tuple(dict.fromkeys(blobs)),
        model=spec.model,
        layer="+".join(spec.layers),
    )


def allowance_of(quotas: Quotas, weight: float) -> work_pb2.Allowance:
    """What the inversions of a caller's audit may take."""
    return work_pb2.Allowance(
        weight=weight,
        jobs_queued=quotas.jobs_queued,
        bytes_queued=quotas.bytes_queued,
        slot_seconds=quotas.slot_seconds,
    )


def inversion_prefix(audit_id: str) -> str:
    """How the request_ids of an audit's inversions begin."""
    return f"audit-{audit_id}-"


def is_of_an_audit(request_id: str) -> bool:
    """Whether a job of this request_id is an inversion that an audit has asked for."""
    return _OF_AN_AUDIT.fullmatch(request_id) is not None


def _fingerprint(item: work_pb2.WorkItem) -> str:
    """What a request_id stands for: all that the caller said, and the models it was said of."""
    said = work_pb2.WorkItem()
    said.CopyFrom(item)
    said.ClearField("engine")
    for name in ("plan", "allowance"):  # the same request may find other workers, or a new token
        said.audit.ClearField(name)
    return hashlib.sha256(said.SerializeToString(deterministic=True)).hexdigest()
