"""Profiles: budgets, and what is enough for an absence."""

from dataclasses import replace

import pytest

from preimage_worker.audit.errors import PlanError
from preimage_worker.audit.profiles import PROFILES, QUICK, STANDARD, THOROUGH


def test_the_budget_is_doubled() -> None:
    assert replace(QUICK, steps=20, doublings=3).budgets == (20, 40, 80, 160)


def test_an_absence_takes_the_standard_profile_or_more() -> None:
    assert [each.suffices for each in PROFILES.values()] == [False, True, True]


def test_whoever_takes_something_off_the_standard_gets_no_absence() -> None:
    assert not replace(STANDARD, steps=20).suffices
    assert not replace(THOROUGH, prior_factors=(1.0, 0.1)).suffices
    assert replace(STANDARD, steps=200, doublings=0, name="mine").suffices


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 0},
        {"doublings": -1},
        {"doublings": 40},
        {"prior_factors": ()},
        {"prior_factors": (1.0, 1.0)},
        {"prior_factors": (-1.0,)},
        {"prior_factors": (float("nan"),)},
        {"restarts": 0},
        {"probes": 0},
        {"control_pictures": 0},
    ],
)
def test_a_profile_that_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(PlanError, match="The profile 'quick'"):
        replace(QUICK, **change)


def test_a_profile_that_was_changed_says_so() -> None:
    assert STANDARD.title == "standard"
    assert replace(STANDARD, steps=20).title == "standard, changed"
    assert replace(STANDARD, name="mine").title == "mine"
