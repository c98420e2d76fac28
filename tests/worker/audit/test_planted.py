"""Planted controls: attackers whose knowledge is known, from a plan to its verdicts."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from preimage_worker.audit.in_process import LaneInverter
from preimage_worker.audit.inverter import Attempt, Found
from preimage_worker.audit.measures.matching import Match, above_chance
from preimage_worker.audit.measures.verdict import Answer, Finding
from preimage_worker.audit.plan import RUNGS, AuditPlan, Levels
from preimage_worker.audit.profiles import STANDARD
from preimage_worker.audit.records import Row, RungReport
from preimage_worker.audit.run import run
from preimage_worker.inversion.defences.grammar import parse
from preimage_worker.inversion.presets import PRESETS
from tests.worker.audit import planted, subjects
from tests.worker.audit.planted import Planted

INVERSIONS = frozenset({"A2", "A3", "A4"})
HIDDEN = parse("gaussian:rel_rms=1000")
"""Leaves nothing to those who do not invert."""


def large(**changes: object) -> AuditPlan:
    """A hundred pictures."""
    return subjects.plan(100, 60, **({"profile": STANDARD} | changes))


def only(plan: AuditPlan, inverter: Planted) -> Row:
    (row,) = run(plan, inverter).rows
    return row


def rung(row: Row, name: str) -> RungReport:
    return next(each for each in row.rungs if each.name == name)


def test_an_attacker_that_returns_the_original_has_recovered_and_identified_everything() -> None:
    plan = large()
    row = only(plan, Planted(planted.original(plan)))
    found = rung(row, "A3")
    assert found.explained.fve.mean.estimate == 1
    assert found.explained.fve.worst_decile.lower == 1
    assert isinstance(found.pixels, Match)
    assert found.pixels.rank1.estimate == 1
    assert row.verdict.finding is Finding.RECOVERED_AND_LINKABLE
    assert row.best.explained.fve.mean.estimate == 1


def test_an_attacker_that_returns_the_mean_picture_has_recovered_nothing() -> None:
    plan = large(defences=HIDDEN)
    row = only(plan, Planted(planted.mean_picture(plan)))
    found = rung(row, "A3")
    assert found.explained.fve.mean.estimate < 0.001
    assert isinstance(found.pixels, Match)
    assert not above_chance(found.pixels)
    assert row.verdict.finding is Finding.NOT_RECOVERED


def test_the_same_on_codes_with_less_noise_says_that_they_can_be_linked() -> None:
    plan = large(layers=("0",), control_layer="2", defences=parse("gaussian:rel_rms=30"))
    row = only(plan, Planted(planted.mean_picture(plan)))
    assert row.label == "linkable, not recovered by the attacks listed"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"profile": replace(STANDARD, steps=50)}, "below standard"),
        ({"profile": replace(STANDARD, doublings=1)}, "a plateau shows after"),
    ],
)
def test_an_absence_needs_the_standard_profile(change: dict[str, object], says: str) -> None:
    plan = replace(large(defences=HIDDEN), **change)
    row = only(plan, Planted(planted.mean_picture(plan)))
    assert row.verdict.finding is Finding.INCONCLUSIVE
    assert any(says in reason for reason in row.verdict.reasons)


@pytest.mark.parametrize("left", RUNGS[1:])
def test_an_absence_needs_every_rung(left: str) -> None:
    plan = large(defences=HIDDEN, rungs=frozenset(RUNGS) - {left})
    row = only(plan, Planted(planted.mean_picture(plan)))
    assert row.verdict.finding is Finding.INCONCLUSIVE
    sentence = f"Rungs left out by the caller: {left}; so absence cannot be said."
    assert sentence in row.verdict.reasons
    assert sentence in row.notes


def test_a_leak_that_is_found_is_one_whatever_was_left_out() -> None:
    plan = large(defences=HIDDEN, rungs=frozenset({"A3"}))
    row = only(plan, Planted(planted.original(plan)))
    assert row.verdict.recovered is Answer.YES


def test_one_inversion_is_a_budget_that_no_doubling_has_tried() -> None:
    plan = large(defences=HIDDEN, rungs=frozenset({"A2"}))
    inverter = Planted(planted.mean_picture(plan))
    row = only(plan, inverter)
    assert [(each[0].steps, each[0].prior_factor) for each in inverter.sets] == 2 * [(100, 1.0)]
    assert [each.name for each in row.rungs][-1] == "A2"
    assert [each.rung for each in row.attacks] == ["A2"]
    assert row.verdict.finding is Finding.INCONCLUSIVE


class Late(Planted):
    """Comes nearer to the codes all the time, and shows nothing before its 1,600th step."""

    def __init__(self, plan: AuditPlan) -> None:
        mean, own = planted.mean_picture(plan), planted.original(plan)

        def answer(attempt: Attempt, picture: int) -> Levels:
            return (own if attempt.steps >= 1600 else mean)(attempt, picture)

        super().__init__(answer)

    def invert(self, attempts: Sequence[Attempt]) -> list[Found]:
        self.end_error = 100 / (100 + attempts[0].steps)
        return super().invert(attempts)


@pytest.mark.parametrize(
    ("doublings", "recovered"),
    [(1, Answer.INCONCLUSIVE), (3, Answer.INCONCLUSIVE), (5, Answer.YES)],
)
def test_a_planted_budget_is_open_before_it_is_spent_and_recovered_then(
    doublings: int, recovered: Answer
) -> None:
    plan = large(defences=HIDDEN, profile=replace(STANDARD, doublings=doublings))
    row = only(plan, Late(plan))
    assert row.verdict.recovered is recovered
    nearer = [each for each in row.verdict.reasons if "still brought pictures nearer" in each]
    assert bool(nearer) == (recovered is Answer.INCONCLUSIVE)


def test_an_attacker_that_fails_the_known_answer_shows_no_absence() -> None:
    plan = large(defences=HIDDEN)
    mean = planted.mean_picture(plan)
    report = run(plan, Planted(lambda each, number: mean(replace(each, layer=""), number)))
    (row,) = report.rows
    assert report.control is not None
    assert report.control.complaints
    assert row.verdict.finding is Finding.INCONCLUSIVE
    assert any("known-answer control failed" in reason for reason in row.verdict.reasons)


def test_an_attacker_that_did_not_come_nearer_to_the_codes_shows_no_absence() -> None:
    plan = large(defences=HIDDEN)
    row = only(plan, Planted(planted.mean_picture(plan), end_error=2.0))
    assert row.verdict.finding is Finding.INCONCLUSIVE


@pytest.mark.parametrize("preset", list(PRESETS))
def test_an_attack_of_a_single_step_is_inconclusive(preset: str) -> None:
    single = replace(STANDARD, steps=1, doublings=0, control_pictures=4)
    plan = subjects.plan(20, 20, profile=single, preset=preset, rungs=INVERSIONS, layers=("4",))
    report = run(plan, LaneInverter(plan.subject.representation))
    (row,) = report.rows
    assert row.verdict.recovered is Answer.INCONCLUSIVE
    assert row.verdict.finding is Finding.INCONCLUSIVE
    assert report.control is not None
    assert report.control.complaints


def test_what_serves_best_is_at_least_as_good_as_every_attacker() -> None:
    plan = large(defences=parse("topk:fraction=0.5"), rungs=INVERSIONS)
    answer = planted.noisy(plan, lambda each: 40 if each.defence else 20 + 5 * each.prior_factor)
    row = only(plan, Planted(answer))
    assert {each.name for each in row.rungs} >= {"A2", "A3", "A4"}
    assert rung(row, "A3").psnr_db.mean.estimate > rung(row, "A4").psnr_db.mean.estimate + 3
    for each in row.rungs:
        assert row.best.psnr_db.mean.estimate >= each.psnr_db.mean.estimate
    assert sum(share.pictures for share in row.best_of) == 100
