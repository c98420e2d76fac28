"""The best rung of each picture, and the tables that belong to the choice."""

import numpy as np
import pytest

from preimage_worker.audit.measures import best
from preimage_worker.audit.measures.best import Selection

SCORES = {
    "A1": np.array([1.0, 5, 3, np.nan]),
    "A2": np.array([2.0, 4, 3, 7]),
    "A3": np.array([3.0, np.nan, 9, 8]),
}


@pytest.mark.parametrize("selection", Selection)
def test_each_picture_gets_the_rung_with_the_least_score_and_never_what_diverged(
    selection: Selection,
) -> None:
    chosen = best.choose(SCORES, selection)
    assert chosen.names == ("A1", "A2", "A1", "A2")
    assert chosen.selection is selection


def test_values_and_pictures_are_taken_from_the_chosen_rungs() -> None:
    chosen = best.choose(SCORES, Selection.LOSS)
    shown = {
        name: np.full((4, 2, 2, 3), i) + np.arange(4)[:, None, None, None] / 10
        for i, name in enumerate(SCORES)
    }
    assert chosen.take(shown)[:, 0, 0, 0] == pytest.approx([0, 1.1, 0.2, 1.3])
    assert chosen.take(shown).shape == (4, 2, 2, 3)


def test_the_order_in_which_rungs_come_later_does_not_matter() -> None:
    chosen = best.choose(SCORES, Selection.LOSS)
    turned = {name: SCORES[name] for name in reversed(SCORES)}
    assert chosen.take(turned).tolist() == [1, 4, 3, 7]


TABLES = {
    "A1": np.array([[1.0, 8], [8, 5]]),
    "A2": np.array([[2.0, 3], [9, 4]]),
}


def test_a_choice_by_loss_takes_whole_rows() -> None:
    chosen = best.choose({"A1": np.array([0.0, 1]), "A2": np.array([1.0, 0])}, Selection.LOSS)
    assert chosen.table(TABLES).tolist() == [[1, 8], [9, 4]]


def test_the_oracle_chooses_anew_for_every_original() -> None:
    errors = {name: np.diag(table) for name, table in TABLES.items()}
    chosen = best.choose(errors, Selection.ORACLE)
    assert chosen.table(TABLES).tolist() == [[1, 3], [8, 4]]
    assert np.diag(chosen.table(TABLES)).tolist() == chosen.take(errors).tolist()


def test_there_has_to_be_a_score_for_every_picture() -> None:
    with pytest.raises(ValueError, match="no score in any rung"):
        best.choose({"A1": np.array([1.0, np.nan])}, Selection.LOSS)
    with pytest.raises(ValueError, match="same pictures"):
        best.choose({"A1": np.zeros(2), "A2": np.zeros(3)}, Selection.LOSS)
    with pytest.raises(ValueError, match="same pictures"):
        best.choose({}, Selection.LOSS)
