"""What an audit takes is what an auditor will do."""

import pytest

from preimage.v1 import audit_pb2 as audits
from preimage_orders import (
    EFFORTS,
    effort_of,
    inversion_prefix,
    is_of_an_audit,
    plan_of,
    rung_name,
    rungs_of,
)
from preimage_queue import new_id
from preimage_worker.audit.measures.grounds import LEAST_PICTURES
from preimage_worker.audit.measures.plateau import FLAT_DOUBLINGS
from preimage_worker.audit.profiles import PROFILES, QUICK
from preimage_worker.audit.work import work
from preimage_worker.inversion.defences.grammar import parse
from tests.worker.audit import subjects


@pytest.mark.parametrize("effort", EFFORTS.values(), ids=lambda effort: effort.name)
def test_a_profile_has_the_numbers_of_its_auditor(effort: object) -> None:
    own = PROFILES[effort.name]  # type: ignore[attr-defined]
    for name in ("steps", "doublings", "restarts", "probes", "control_pictures", "budgets"):
        assert getattr(effort, name) == getattr(own, name)
    assert tuple(effort.prior_factors) == own.prior_factors  # type: ignore[attr-defined]


def test_no_fewer_budgets_are_counted_than_a_plateau_takes() -> None:
    for effort in EFFORTS.values():
        assert len(effort.least_budgets) == 1 + FLAT_DOUBLINGS


def test_a_budget_of_ones_own_takes_the_place_of_the_profiles() -> None:
    asked = audits.AuditSpec(profile=audits.AUDIT_PROFILE_STANDARD)
    asked.budget.doublings = 0
    asked.budget.steps = 7
    effort = effort_of(asked)
    assert (effort.budgets, effort.least_budgets, effort.restarts) == ((7,), (7,), 1)
    plan = plan_of(audits.AuditSpec(layers=["a"], budget=asked.budget), 3, rate=2.0)
    assert (plan.cells, plan.least_inversions, plan.most_inversions) == (1, 12, 12)
    assert (plan.most_passes, plan.most_seconds) == (84, 42.0)


def test_an_audits_inversions_are_told_by_their_names() -> None:
    assert is_of_an_audit(inversion_prefix(new_id()) + "3f")
    for other in ("", "audit-1", "audit-of-mine-1", new_id()):
        assert not is_of_an_audit(other)


RUNGS = audits.AuditRung
CASES = [
    [],
    [RUNGS.AUDIT_RUNG_A2],
    [RUNGS.AUDIT_RUNG_A3],
    [RUNGS.AUDIT_RUNG_A4],
    [RUNGS.AUDIT_RUNG_A2, RUNGS.AUDIT_RUNG_A4],
    [RUNGS.AUDIT_RUNG_L1],
]


@pytest.mark.parametrize("rungs", CASES, ids=lambda each: "+".join(map(rung_name, each)) or "all")
@pytest.mark.parametrize("releases", [1, 2])
def test_as_many_inversions_are_planned_as_the_auditor_asks_for(
    rungs: list[audits.AuditRung.ValueType], releases: int
) -> None:
    chains = ("gaussian:rel_rms=1e+1", "pool:k=2", "laplace:rel_rms=1+gaussian:rel_rms=1", "sign")
    chains += ("topk:fraction=0.1", "pool:k=2+prune:fraction=0.5", "topk:fraction=0.5+sign")
    asked = audits.AuditSpec(layers=["2"], rungs=rungs, releases=releases)
    asked.defences.extend(audits.Defence(chain=each) for each in chains)
    own = subjects.plan(
        5,
        defences=tuple(chain for each in ("none", *chains) for chain in parse(each)),
        profile=QUICK,
        rungs=frozenset(map(rung_name, rungs_of(asked))),
        releases=releases,
    )
    said, done = plan_of(asked, 5, rate=0), work(own)
    assert said.cells == done[-1].cells
    assert said.most_inversions == sum(each.attempts_most for each in done)


def test_who_is_the_first_step_of_another_brings_that_one_along_beside_a_third() -> None:
    asked = audits.AuditSpec(rungs=[RUNGS.AUDIT_RUNG_A2, RUNGS.AUDIT_RUNG_A4])
    assert RUNGS.AUDIT_RUNG_A3 in rungs_of(asked)
    (left, *_) = plan_of(asked, LEAST_PICTURES, rate=0).remarks
    assert left == "Rungs left out by the caller: B1, L1, A1; so absence cannot be said."


def test_a_plan_says_what_verdicts_will_be_unable_to_say() -> None:
    asked = audits.AuditSpec(profile=audits.AUDIT_PROFILE_STANDARD, layers=["a"])
    assert not plan_of(asked, LEAST_PICTURES, rate=0).remarks
    (few,) = plan_of(asked, LEAST_PICTURES - 1, rate=0).remarks
    assert "99 targets are too few" in few
    asked.rungs.extend([RUNGS.AUDIT_RUNG_L1, RUNGS.AUDIT_RUNG_A3])
    (left,) = plan_of(asked, LEAST_PICTURES, rate=0).remarks
    assert left == "Rungs left out by the caller: B1, A1, A2, A4; so absence cannot be said."
    asked.profile = audits.AUDIT_PROFILE_QUICK
    assert any("quick" in each for each in plan_of(asked, LEAST_PICTURES, rate=0).remarks)
