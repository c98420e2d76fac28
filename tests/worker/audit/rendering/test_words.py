"""Numbers and sentences."""

from dataclasses import replace

import pytest

from preimage_worker.audit.measures.verdict import Answer
from preimage_worker.audit.rendering import answers
from preimage_worker.audit.rendering.environment import escaped
from preimage_worker.audit.rendering.figures import decibels, listed, number, percent, score
from preimage_worker.audit.rendering.ladder import NEEDS, steps, strongest
from tests.worker.audit.rendering.made_up import Made, match, report, row, rung

YES, NO, OPEN = Answer


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.00070, "0.0007"), (12345.6, "12350"), (1.0, "1"), (-0.5, "-0.5"), (3, "3")],
)
def test_numbers_have_four_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_small_numbers_do_not_read_zero() -> None:
    assert number(1.23456e-7) == "1.235e-07"
    assert percent(1 / 502) == "0.2\N{NO-BREAK SPACE}%"


def test_zero_is_never_negative() -> None:
    assert score(-0.0001) == "0.000"
    assert decibels(-0.01) == "0.0\N{NO-BREAK SPACE}dB"


def test_lists_read_as_sentences_do() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"


def test_markdown_shows_values_as_they_are() -> None:
    assert escaped("a_b*c\n<d>") == r"a\_b\*c &lt;d&gt;"
    assert escaped("- x") == r"\- x"
    assert escaped("# x") == r"\# x"


def test_the_brief_counts_what_was_found() -> None:
    found = answers.in_brief(report([Made("a"), Made("a", "sign", 0.1, recovered=NO)]))
    assert "2 combinations" in found[0]
    assert "recovered in 1," in found[0]
    assert "linked to their pictures in 2" in found[0]


def test_the_brief_says_that_linkage_outlives_recovery() -> None:
    text = " ".join(answers.in_brief(report([Made("a"), Made("a", "sign", 0.1, recovered=NO)])))
    assert "Linkage outlives recovery in 1 row" in text


def test_the_brief_says_of_no_open_row_that_recovery_ended() -> None:
    made = [Made("a", fve=0.3, recovered=OPEN), Made("b"), Made("c", fve=0.1, recovered=OPEN)]
    text = " ".join(answers.in_brief(report(made)))
    assert "outlives" not in text
    assert "recovered is open: “a” without a defence and “c” without a defence." in text


def test_the_brief_takes_nothing_inconclusive_for_an_absence() -> None:
    made = [Made("a"), Made("a", "sign", 0.0, recovered=OPEN, linkable=OPEN)]
    text = " ".join(answers.in_brief(report(made)))
    assert "1 row is inconclusive, which is no absence: “a” under sign." in text
    assert "too few to show an absence" in text
    assert "recovered none in" not in text


def test_the_brief_calls_nothing_recovered_that_no_verdict_does() -> None:
    """The figure of an open row may be all chance, and the best of it a mean picture."""
    made = [Made("a", fve=0.3, recovered=OPEN), Made("b", fve=0.2, recovered=OPEN)]
    assert not any("ost was" in each for each in answers.in_brief(report(made)))
    text = " ".join(answers.in_brief(report([*made, Made("c", fve=0.7), Made("d", fve=0.5)])))
    assert "Most was recovered from “c” without a defence: 70" in text
    assert "Least, where pictures were recovered at all, from “d” without a defence: 50" in text
    assert "Least" not in " ".join(answers.in_brief(report([*made, Made("c", fve=0.7)])))


def test_the_brief_says_where_no_defence_helped() -> None:
    text = " ".join(answers.in_brief(report([Made("a"), Made("a", "sign", 0.1)])))
    assert "no defence that was tried was shown to stop that." in text
    assert "No row was shown to give nothing away." in text


def test_the_brief_names_the_most_usable_defence_that_ended_recovery() -> None:
    made = [
        Made("a"),
        Made("a", "sign", 0.1, utility=0.8, recovered=NO),
        Made("a", "prune:fraction=0.9", 0.1, utility=0.2, recovered=NO, linkable=NO),
    ]
    text = " ".join(answers.in_brief(report(made)))
    assert "in 2 of 2 defended rows: most usable, “a” under sign (utility 80" in text
    assert "its codes can still be linked" in text


def test_layers_say_under_which_defences_recovery_ended() -> None:
    made = [Made("a"), Made("a", "sign", 0.1, utility=0.8, recovered=NO), Made("a", "pool:size=2")]
    text = " ".join(answers.of_layer([row(each) for each in made]))
    assert "Under sign (utility 80\N{NO-BREAK SPACE}%) the attacks listed recovered" in text
    assert "Pictures are still recovered under pool:size=2." in text
    assert "Codes are still linked under every defence that was tried." in text


def test_the_ladder_has_every_rung_with_what_it_needs() -> None:
    found = steps(row(Made("a")), ("B0", "B1", "L1", "A1", "A2", "A3", "A4"))
    assert list(dict.fromkeys(step.code for step in found)) == list(NEEDS)
    assert all(step.needs for step in found)
    assert found[-1].absent == "Not built, so not tried."


def test_the_reidentification_shown_is_that_of_the_attack_that_did_best() -> None:
    assert strongest(row(Made("a")), independent=True).rung == "A4"


def test_no_reidentification_is_shown_that_a_verdict_does_not_count() -> None:
    found = row(Made("a"))
    best = replace(rung("B1", 0.9, 30.0), pixels=match(1.0))
    found = replace(found, rungs=(best, *(each for each in found.rungs if each.name != "B1")))
    assert strongest(found, independent=False).rung == "A4"


def test_the_brief_names_what_was_not_tried() -> None:
    text = " ".join(answers.in_brief(report([Made("a")])))
    assert "“pool:k=2” was not tried on “fc”: A vector has no positions to pool." in text
