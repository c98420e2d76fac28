"""Verdicts: what is enough for a finding, and all that an absence needs."""

from dataclasses import replace

import numpy as np
import pytest

from preimage_worker.audit.measures import intervals, matching, summary
from preimage_worker.audit.measures.chance import Explained
from preimage_worker.audit.measures.evidence import Conduct, Evidence, Link, Rung
from preimage_worker.audit.measures.health import Health
from preimage_worker.audit.measures.intervals import Interval
from preimage_worker.audit.measures.matching import Match
from preimage_worker.audit.measures.plateau import Plateau
from preimage_worker.audit.measures.verdict import Answer, Finding, Verdict, verdict

PLATEAU = Plateau((100, 200, 400), (), 0.2, reached=True, sentence="Doubling has stopped to help.")
RISING = replace(PLATEAU, reached=False, sentence="Doubling the budget still helped.")
SOUND = Conduct(("B0", "B1", "A1", "A3"), "standard", True, PLATEAU, Health(), Health())  # noqa: FBT003


def fve(mean: float, pictures: int = 100, chance: float = 0.0) -> Rung:
    """Every picture near this FVE."""
    values = np.clip(mean + np.linspace(-0.01, 0.01, pictures), 0, 1)
    gain = intervals.bootstrap(values - chance, lambda one: one.mean(-1), seed=0)
    return Rung("A3", Explained(summary.summarise(values, seed=0), gain, chance, chance + 0.01))


def link(hits: int, pictures: int = 100, candidates: int = 500) -> Link:
    """So many found at once."""
    ranks = np.array([1.0] * hits + [7.0] * (pictures - hits))
    found = Match(
        rank1=intervals.wilson(hits, pictures),
        rank5=intervals.wilson(hits, pictures),
        reciprocal_rank=intervals.bootstrap(1 / ranks, lambda one: one.mean(-1), seed=0),
        median_rank=float(np.median(ranks)),
        queries=pictures,
        candidates=candidates,
        chance1=1 / candidates,
        chance5=5 / candidates,
        chance_reciprocal_rank=0.01,
    )
    return Link("Linkage by squared distance", found)


def judged(rung: Rung, *links: Link, conduct: Conduct = SOUND) -> Verdict:
    return verdict(Evidence((rung,), links), conduct)


def test_recovered_and_linkable() -> None:
    found = judged(fve(0.9), link(100))
    assert found.finding is Finding.RECOVERED_AND_LINKABLE
    assert found.label == "recovered and linkable"


def test_recovered_and_not_linkable() -> None:
    found = judged(fve(0.9), link(0))
    assert found.finding is Finding.RECOVERED
    assert found.linkable is Answer.NO


def test_linkable_and_not_recovered_says_both() -> None:
    found = judged(fve(0.0), link(100))
    assert found.finding is Finding.LINKABLE
    assert found.recovered is Answer.NO
    assert found.label == "linkable, not recovered by the attacks listed"
    assert any("100.0 % (96.3 to 100.0 %) of 100 cases" in reason for reason in found.reasons)
    assert any("A1, A3" in reason and "at most" in reason for reason in found.reasons)


def test_linkable_with_an_attack_that_was_stopped_early_leaves_recovery_open() -> None:
    found = judged(fve(0.0), link(100), conduct=replace(SOUND, plateau=RISING))
    assert found.finding is Finding.LINKABLE
    assert found.recovered is Answer.INCONCLUSIVE
    assert found.label == "linkable"
    assert RISING.sentence in found.reasons


def test_neither_is_not_recovered_by_the_attacks_listed() -> None:
    found = judged(fve(0.0), link(0))
    assert found.finding is Finding.NOT_RECOVERED
    assert found.label == "not recovered by the attacks listed"


SICK = Health(("The attack did not come nearer to the codes.",))
SPOILT = {
    "a quick profile": (replace(SOUND, profile="quick", profile_suffices=False), "below standard"),
    "a budget that still helps": (replace(SOUND, plateau=RISING), "still helped"),
    "a single budget": (replace(SOUND, plateau=None), "doubled budget"),
    "an attack that fails": (replace(SOUND, attack=SICK), "did not come nearer"),
    "a control that fails": (replace(SOUND, known_answer=SICK), "did not come nearer"),
    "no control": (replace(SOUND, known_answer=None), "control was not run"),
}


@pytest.mark.parametrize(("conduct", "says"), SPOILT.values(), ids=SPOILT.keys())
def test_an_absence_needs_everything(conduct: Conduct, says: str) -> None:
    found = judged(fve(0.0), link(0), conduct=conduct)
    assert found.finding is Finding.INCONCLUSIVE
    assert [says in reason for reason in found.reasons].count(True) == 1


@pytest.mark.parametrize(("conduct", "says"), SPOILT.values(), ids=SPOILT.keys())
def test_what_was_found_needs_nothing_else(conduct: Conduct, says: str) -> None:
    assert judged(fve(0.9), link(0), conduct=conduct).finding is Finding.RECOVERED
    assert judged(fve(0.0), link(90), conduct=conduct).finding is Finding.LINKABLE


@pytest.mark.parametrize("pictures", [24, 99])
def test_fewer_than_a_hundred_pictures_show_no_absence(pictures: int) -> None:
    few = judged(fve(0.0, pictures), link(0, pictures))
    assert few.finding is Finding.INCONCLUSIVE
    assert any(f"{pictures} pictures are too few" in reason for reason in few.reasons)
    assert judged(fve(0.9, pictures), link(0, pictures)).finding is Finding.RECOVERED
    fewer_matched = judged(fve(0.0), link(0, pictures))
    assert fewer_matched.finding is Finding.INCONCLUSIVE


def test_a_single_picture_is_told_from_chance_by_nobody() -> None:
    alone = judged(fve(0.9, 1), link(0, 1))
    assert alone.recovered is Answer.INCONCLUSIVE
    assert any("single picture" in reason for reason in alone.reasons)
    assert any("1 picture is too few" in reason for reason in alone.reasons)
    assert judged(fve(0.9, 2), link(0, 2)).recovered is Answer.YES


def test_without_candidates_absence_is_open_and_recovery_is_not() -> None:
    found = judged(fve(0.0))
    assert found.finding is Finding.INCONCLUSIVE
    assert found.recovered is Answer.NO
    assert "Nothing was matched with candidates." in found.reasons
    assert judged(fve(0.9)).finding is Finding.RECOVERED


def test_without_attacks_recovery_is_open_and_linkage_is_not() -> None:
    assert verdict(Evidence((), (link(100),)), SOUND).finding is Finding.LINKABLE
    found = verdict(Evidence((), (link(0),)), SOUND)
    assert found.finding is Finding.INCONCLUSIVE
    assert found.linkable is Answer.NO
    assert "No attack was run that could recover pictures." in found.reasons
    assert verdict(Evidence(()), SOUND).finding is Finding.INCONCLUSIVE


def test_the_threshold_is_asked_of_the_lower_limit_over_chance() -> None:
    assert judged(fve(0.06), link(0)).finding is Finding.RECOVERED
    assert judged(fve(0.04), link(0)).finding is Finding.NOT_RECOVERED
    assert judged(fve(0.30, chance=0.29), link(0)).finding is Finding.NOT_RECOVERED


@pytest.mark.parametrize("estimate", [0.03, 0.06])
def test_an_fve_that_may_be_twice_the_threshold_is_open(estimate: float) -> None:
    uncertain = fve(0.0)
    explained = replace(uncertain.explained, over_chance=Interval(estimate, 0.02, 0.11))
    found = judged(replace(uncertain, explained=explained), link(0))
    assert found.finding is Finding.INCONCLUSIVE
    assert any("0.020 to 0.110" in reason for reason in found.reasons)


def test_an_fve_that_is_below_twice_the_threshold_for_certain_is_called_absent() -> None:
    faint = fve(0.0)
    explained = replace(faint.explained, over_chance=Interval(0.064, 0.047, 0.081))
    found = judged(replace(faint, explained=explained), link(0))
    assert found.finding is Finding.NOT_RECOVERED
    assert any("0.064 on average, with 95 % confidence at most 0.081" in r for r in found.reasons)


def test_a_worst_decile_that_may_be_far_over_its_threshold_is_open() -> None:
    """Eleven pictures of a hundred have an FVE of 0.44, the rest 0."""
    values = np.array([0.44] * 11 + [0.0] * 89)
    gain = intervals.bootstrap(values, lambda one: one.mean(-1), seed=0)
    rung = Rung("A3", Explained(summary.summarise(values, seed=0), gain, 0.0, 0.0))
    found = judged(rung, link(0))
    assert found.finding is Finding.INCONCLUSIVE
    assert any("Of one picture in ten A3 may have recovered much" in r for r in found.reasons)


def test_one_picture_in_ten_is_enough() -> None:
    rare = fve(0.0)
    worst = replace(rare.explained.fve, worst_decile=Interval(0.8, 0.5, 0.9))
    found = judged(replace(rare, explained=replace(rare.explained, fve=worst)), link(0))
    assert found.finding is Finding.RECOVERED
    assert any("One picture in ten" in reason for reason in found.reasons)


def test_what_all_pictures_give_away_a_little_of_is_no_picture_in_ten() -> None:
    """The worst decile of faint reconstructions is some three times their mean."""
    faint = fve(0.035)
    worst = replace(faint.explained.fve, worst_decile=Interval(0.17, 0.15, 0.18))
    explained = replace(faint.explained, fve=worst, chance_worst_decile=0.09)
    assert judged(replace(faint, explained=explained), link(0)).finding is Finding.NOT_RECOVERED


def test_what_only_the_oracle_reaches_shows_recovery_and_leaves_nothing_open() -> None:
    attack = fve(0.041)
    best = replace(attack, name="the best for each picture", oracle=True)
    over = replace(best.explained, over_chance=Interval(0.056, 0.035, 0.080))
    found = verdict(Evidence((attack, replace(best, explained=over)), (link(0),)), SOUND)
    assert found.finding is Finding.NOT_RECOVERED
    assert any("FVE over chance is 0.041" in reason for reason in found.reasons)
    over = replace(best.explained, over_chance=Interval(0.076, 0.055, 0.100))
    found = verdict(Evidence((attack, replace(best, explained=over)), (link(0),)), SOUND)
    assert found.finding is Finding.RECOVERED


def test_any_rung_that_recovers_is_enough_and_is_named() -> None:
    rungs = (replace(fve(0.3, chance=0.3), name="the best for each picture"), fve(0.6))
    found = verdict(Evidence(rungs, (link(0),)), SOUND)
    assert found.finding is Finding.RECOVERED
    assert any("recovered by A3" in reason for reason in found.reasons)


def test_one_lucky_hit_is_no_link() -> None:
    lucky = link(1, 24)
    assert lucky.match.rank1.lower > lucky.match.chance1
    assert judged(fve(0.9, 24), lucky).linkable is Answer.INCONCLUSIVE


def test_many_ways_of_linking_share_the_level() -> None:
    # 4 of 100 at a chance of 1 %: 1.8 %, too likely where four were tried.
    close = link(4, candidates=100)
    assert matching.above_chance(close.match)
    assert judged(fve(0.0), close).finding is Finding.LINKABLE
    assert judged(fve(0.0), close, link(0), link(0), link(0)).finding is Finding.NOT_RECOVERED


def test_no_sentence_and_no_verdict_says_safe() -> None:
    rows = [
        judged(fve(f), link(h), conduct=c)
        for f in (0.0, 0.9)
        for h in (0, 100)
        for c in (SOUND, *(spoilt for spoilt, _ in SPOILT.values()))
    ]
    said = " ".join(" ".join((row.label, *row.reasons)) for row in rows).lower()
    assert not any(word in said for word in ("safe", "secure", "private", "anonym"))


def test_every_reason_is_a_sentence_and_is_said_once() -> None:
    for conduct, _ in SPOILT.values():
        reasons = judged(fve(0.0), link(0), conduct=conduct).reasons
        assert all(reason[0].isupper() and reason.endswith(".") for reason in reasons)
        assert len(set(reasons)) == len(reasons)
