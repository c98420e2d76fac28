"""PlanAudit, and what every audit is judged by before its pictures come."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from preimage.v1.audit_pb2 import AuditPlan, AuditSpec
from preimage.v1.audit_service_pb2 import PlanAuditRequest, PlanAuditResponse
from preimage.v1.model_service_pb2 import Model
from preimage_orders import AUDIT_POOL, plan_of, pool_of
from preimage_service.audit_errors import AuditorNotRunningError
from preimage_service.backend import Backend
from preimage_service.checks.audit_memory import check_memory, memory_of
from preimage_service.checks.audits import (
    check_audit,
    check_counts,
    check_independent_model,
    check_model,
    check_plan,
)
from preimage_service.errors import InvalidRequestError, Violation
from preimage_service.intake import find_model


@final
@dataclass(frozen=True, slots=True)
class Subject:
    """What is audited, by whom, and how fast its inversions go."""

    model: Model
    independent: Model | None
    rate: float
    """Lane-steps a second of the workers that serve the model; 0 if none says."""


async def plan(backend: Backend, request: PlanAuditRequest) -> PlanAuditResponse:
    """Tell what an audit would take.

    Raises: as `find_subject` and `plan_within`.
    """
    counts = check_counts(
        request.targets, request.auxiliary, backend.settings, ("targets", "auxiliary")
    )
    faults = [*counts] if request.HasField("spec") else [Violation("spec", "is required"), *counts]
    subject = await find_subject(backend, request.spec, faults, "spec")
    numbers = request.targets, request.auxiliary
    return PlanAuditResponse(plan=plan_within(backend, request.spec, subject, numbers, "spec"))


async def find_subject(
    backend: Backend, spec: AuditSpec, known: Sequence[Violation], path: str
) -> Subject:
    """Judge a specification; everything that is wrong with it is told at once.

    Args:
        backend: the process.
        spec: what is asked.
        known: what is wrong already.
        path: of the specification in the request.

    Raises:
        InvalidRequestError: fields of it, or `known`.
        ModelNotFoundError: a model is not there.
        ModelNotServedError: a model cannot be used now.
        AuditorNotRunningError: nobody would carry it out.
    """
    faults = [*known, *check_audit(spec, backend.settings, path)]
    model = await find_model(backend, spec.model, faults)
    independent = await find_model(backend, spec.independent_model, faults)
    if model is not None:
        faults += check_model(model, spec, backend.settings, path)
    if independent is not None:
        faults += check_independent_model(independent, model, spec, path)
    if faults or model is None:
        raise InvalidRequestError(faults)
    workers = [each for each in await backend.queue.list_workers() if not each.draining]
    if not any(AUDIT_POOL in each.pools for each in workers):
        raise AuditorNotRunningError
    pool = pool_of(model)
    rate = sum(each.cost_per_second for each in workers if pool in each.pools)
    return Subject(model, independent, rate)


def plan_within(
    backend: Backend, spec: AuditSpec, subject: Subject, numbers: tuple[int, int], path: str
) -> AuditPlan:
    """What it takes with so many targets and auxiliary pictures.

    Raises:
        InvalidRequestError: more than this server takes on; the sentence holds the plan.
    """
    made = plan_of(spec, numbers[0], subject.rate)
    memory = memory_of(spec, subject.model, subject.independent, *numbers)
    faults = [
        *check_plan(made, backend.settings, path),
        *check_memory(memory, backend.settings, path),
    ]
    if faults:
        raise InvalidRequestError(faults)
    return made
