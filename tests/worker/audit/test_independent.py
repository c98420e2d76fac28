"""Reconstructions in the eyes of a model of another architecture."""

from dataclasses import replace

import pytest
import torch

from preimage_worker.audit.measures.intervals import Interval
from preimage_worker.audit.measures.matching import Match
from preimage_worker.audit.measures.recovery import Missing
from preimage_worker.audit.plan import AuditPlan
from preimage_worker.audit.records import RungReport
from preimage_worker.audit.run import run
from preimage_worker.audit.subject import Independent
from preimage_worker.inversion.representations.network import networks
from preimage_worker.inversion.representations.survey import survey
from tests.worker import own
from tests.worker.audit import planted, subjects
from tests.worker.audit.planted import Planted

INVERSIONS = frozenset({"A3"})
LARGER = 40


@pytest.fixture(scope="module")
def judge() -> Independent:
    """Takes larger pictures than the audited model."""
    with torch.random.fork_rng():
        torch.manual_seed(11)
        surveyed = survey(own.small(3), LARGER, LARGER)
    codes, scores = (
        networks(surveyed, [layer], name="judge", preprocessing=subjects.PREPROCESSING)
        for layer in ("2", "5")
    )
    return Independent("judge", "digest of judge", codes, LARGER, LARGER, scores)


def a3(plan: AuditPlan, inverter: Planted) -> RungReport:
    (row,) = run(plan, inverter).rows
    return next(each for each in row.rungs if each.name == "A3")


def test_originals_are_identified_and_have_their_class(judge: Independent) -> None:
    plan = subjects.plan(20, 20, rungs=INVERSIONS, independent=judge)
    found = a3(plan, Planted(planted.original(plan)))
    assert isinstance(found.independent, Match)
    assert found.independent.rank1.estimate == 1
    assert found.independent.candidates == 40
    assert isinstance(found.class_agreement, Interval)
    assert found.class_agreement.estimate == 1


def test_the_mean_picture_is_not_identified(judge: Independent) -> None:
    plan = subjects.plan(20, 20, rungs=INVERSIONS, independent=judge)
    found = a3(plan, Planted(planted.mean_picture(plan)))
    assert isinstance(found.independent, Match)
    assert found.independent.rank1.estimate <= 0.1


def test_what_no_model_says_is_missing_with_its_reason(judge: Independent) -> None:
    plan = subjects.plan(rungs=INVERSIONS, independent=replace(judge, classify=None))
    found = a3(plan, Planted(planted.original(plan)))
    assert found.class_agreement == Missing("The independent model does not classify.")
    found = a3(replace(plan, independent=None), Planted(planted.original(plan)))
    assert found.independent == Missing("No independent model was named.")
