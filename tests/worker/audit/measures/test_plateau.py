"""When doubling has stopped to help, and when nobody can know."""

import numpy as np
import pytest

from preimage_worker.audit.measures import plateau
from preimage_worker.audit.measures.pictures import Floats
from preimage_worker.audit.measures.plateau import Plateau
from tests.worker.audit.measures import natural

BUDGETS = (100, 200, 400, 800)


def psnr(*means: float, pictures: int = 100, scatter: float = 0.1) -> Floats:
    """One row a budget: these means, the same pictures, and some scatter of the attack."""
    random = natural.generator()
    easy = random.normal(0, 3, pictures)
    return np.array([mean + easy + scatter * random.normal(size=pictures) for mean in means])


def doubled(*means: float, **others: float) -> Plateau:
    values = psnr(*means, **others)  # type: ignore[arg-type]
    return plateau.plateau(BUDGETS[: len(means)], values, seed=0)


def test_two_doublings_without_gain_are_a_plateau() -> None:
    found = doubled(13, 24, 24.05, 24.05)
    assert found.reached
    assert "to 800 steps has stopped to help" in found.sentence
    assert "within 0.2 dB" in found.sentence
    assert [gain.estimate for gain in found.gains] == pytest.approx([11, 0.05, 0], abs=0.06)


def test_a_layer_that_still_rises_is_none_though_it_is_below_the_mean_picture() -> None:
    # Of 11.7 dB after 20 steps and 14.4 after 2,500, where the mean picture has 13.1.
    found = doubled(11.7, 11.92, 12.13, 12.35)
    assert not found.reached
    assert "up to 800 steps still helped" in found.sentence
    assert "more than 0.2 dB" in found.sentence


def test_a_flat_stretch_of_one_doubling_is_none() -> None:
    assert not doubled(12.0, 14.0, 14.0).reached
    assert not doubled(13.0, 13.0, 15.2, 24.3).reached


def test_getting_worse_is_a_plateau() -> None:
    assert doubled(14, 13.9, 13.5).reached


@pytest.mark.parametrize(
    ("means", "said"),
    [((13.0,), "not doubled, with 100"), ((13.0, 13.0), "doubled once, with 200")],
)
def test_one_budget_or_one_doubling_shows_none(means: tuple[float, ...], said: str) -> None:
    found = doubled(*means)
    assert not found.reached
    assert f"was {said} steps" in found.sentence


def test_few_pictures_that_scatter_show_none() -> None:
    assert not doubled(13, 13, 13, pictures=5, scatter=2).reached
    unclear = doubled(13, 13, 13, pictures=5, scatter=0.2)
    assert not unclear.reached
    assert "may still help" in unclear.sentence
    assert "where a plateau allows 0.2 dB" in unclear.sentence
    assert doubled(13, 13, 13, pictures=5, scatter=0.01).reached


def test_losses_are_handed_over_negative_with_a_tolerance_of_their_own() -> None:
    losses = np.array([[0.5], [0.2], [0.199], [0.198]]) * np.ones(100)
    assert plateau.plateau(BUDGETS, -losses, seed=0, tolerance=0.01).reached
    assert not plateau.plateau(BUDGETS, -losses, seed=0, tolerance=0.0001).reached


@pytest.mark.parametrize(
    ("budgets", "values", "says"),
    [
        ((100, 150), np.zeros((2, 3)), "at least twice"),
        ((0, 0), np.zeros((2, 3)), "at least twice"),
        ((100, 200), np.zeros((3, 3)), "2 budgets"),
        ((100, 200), np.full((2, 3), np.nan), "not a finite number"),
    ],
)
def test_what_is_no_doubling_is_refused(
    budgets: tuple[int, ...], values: Floats, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        plateau.plateau(budgets, values, seed=0)


def test_no_doubling_at_all_is_not_enough_by_request() -> None:
    with pytest.raises(ValueError, match="one budget shows none"):
        plateau.plateau(BUDGETS, psnr(1, 1, 1, 1), seed=0, doublings=0)
