"""What an audit takes is what an auditor will do."""

import pytest

from preimage.v1 import audit_pb2 as audits
from preimage_orders import EFFORTS, effort_of, inversion_prefix, is_of_an_audit, plan_of
from preimage_queue import new_id
from preimage_worker.audit.measures.plateau import FLAT_DOUBLINGS
from preimage_worker.audit.profiles import PROFILES


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
    assert (plan.cells, plan.least_inversions, plan.most_inversions) == (1, 6, 6)
    assert (plan.most_passes, plan.most_seconds) == (42, 21.0)


def test_an_audits_inversions_are_told_by_their_names() -> None:
    assert is_of_an_audit(inversion_prefix(new_id()) + "3f")
    for other in ("", "audit-1", "audit-of-mine-1", new_id()):
        assert not is_of_an_audit(other)
