"""The audit's benchmark: its pictures, its kept rows, its judgement."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from benchmarks.audit import bounds, noise
from benchmarks.audit.cells import audit
from benchmarks.audit.material import SIDE, Material, squares
from PIL import Image

from preimage_worker.audit.measures.intervals import Interval
from preimage_worker.audit.plain import to_json
from tests.worker.audit import planted, subjects
from tests.worker.audit.planted import Planted


@pytest.mark.parametrize("size", [(321, 481), (480, 320), (40, 200), (10, 10)])
def test_a_picture_is_cut_into_squares_that_do_not_overlap(size: tuple[int, int]) -> None:
    ramp = np.linspace(0, 255, size[0] * size[1]).reshape(size)
    found = squares(np.repeat(np.rint(ramp)[:, :, None], 3, 2).astype(np.uint8))
    assert found.shape[1:] == (SIDE, SIDE, 3)
    assert len(found) >= 25
    assert len({each.tobytes() for each in found}) > 1


def test_rows_that_are_kept_are_taken_up_for_the_same_plan_alone(tmp_path: Path) -> None:
    plan = subjects.plan(layers=("0", "2"))
    first = Planted(planted.original(plan))
    whole = audit(plan, first, tmp_path)
    again = Planted(planted.original(plan))
    assert to_json(audit(plan, again, tmp_path)) == to_json(whole)
    assert not again.sets
    other = subjects.plan(layers=("0", "2"), seed=1)
    audit(other, again, tmp_path)
    assert len(again.sets) == len(first.sets)
    audit(plan, again, None)
    assert len(again.sets) == 2 * len(first.sets)


def test_a_linear_encoder_keeps_to_its_bounds_and_a_wrong_one_does_not() -> None:
    _, claim = bounds.linear(2.0, 4.0, seed=3)
    assert claim.holds
    _, claim = bounds.linear(2.0, 4.0, seed=3, gain=1.05)
    assert not claim.holds


@pytest.mark.parametrize(
    ("values", "rises"),
    [
        ([(0, 0, 1), (2, 1, 3), (5, 4, 6)], True),
        ([(0, 0, 1), (3, 2, 4), (2.5, 1.5, 3.5), (5, 4.5, 6)], True),
        ([(0, 0, 1), (5, 4, 6), (2, 1, 3), (9, 8, 9)], False),
        ([(0, 0, 2), (1, 0, 3)], False),
    ],
)
def test_figures_rise_if_none_falls_for_certain_and_the_last_is_above_the_first(
    values: list[tuple[float, float, float]], *, rises: bool
) -> None:
    assert noise.rises([Interval(*each) for each in values]) is rises


def test_a_picture_is_read_as_it_is(tmp_path: Path) -> None:
    flat = Image.new("RGB", (160, 160), (10, 20, 30))
    assert (squares(np.asarray(flat)) == (10, 20, 30)).all()


@pytest.mark.parametrize(("hidden", "holds"), [(5, True), (3, True), (2, False), (0, False)])
def test_what_most_draws_say_is_said_of_all(hidden: int, *, holds: bool) -> None:
    gain = Interval(0.06, 0.03, 0.09)
    attacker = SimpleNamespace(name="A3", explained=SimpleNamespace(over_chance=gain))
    labels = ["linkable, not recovered by the attacks listed"] * hidden
    labels += ["recovered and linkable"] * (5 - hidden)
    rows: list[Any] = [
        SimpleNamespace(defence="gaussian:rel_rms=10", label=label, rungs=(attacker,))
        for label in labels
    ]
    claim = noise.hides_mostly(rows)
    assert claim.holds is holds
    assert claim.figures.startswith(f"in {hidden} of 5; FVE over chance 0.06 (0.03 to 0.09): ")


def test_another_draw_has_other_squares_of_the_same_pictures() -> None:
    material = Material.__new__(Material)  # without a network
    own, other = np.arange(100), np.arange(100, 200)
    material._own, material._other = own, other
    material.draw(0)
    drawn, again = material.drawn(1), material.drawn(0)
    assert set(drawn._targets) == set(own)
    assert set(drawn._auxiliary) == set(other)
    assert list(drawn._targets) != list(material._targets) == list(again._targets)
