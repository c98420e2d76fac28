from dataclasses import replace

import pytest
import torch

from preimage_worker.inversion.errors import (
    NonFiniteTargetError,
    SettingError,
    ShapeMismatchError,
    ZeroTargetError,
)
from preimage_worker.inversion.problem import Problem, StopRule
from preimage_worker.inversion.representations.network import NetworkRepresentation
from tests.worker.inversion.small import problem, small_network


@pytest.fixture
def posed() -> Problem:
    return problem(small_network("1"))


def test_the_energy_is_that_of_the_masked_target(posed: Problem) -> None:
    assert posed.energy == pytest.approx(float(posed.target.square().sum()))
    half = torch.zeros(8, 1, 1, dtype=torch.bool)
    half[:4] = True
    masked = replace(posed, mask=half)
    assert masked.energy == pytest.approx(float(posed.target[:4].square().sum()))


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_targets_and_masks_must_be_finite(posed: Problem, bad: float) -> None:
    target = posed.target.clone()
    target[0, 0, 0] = bad
    with pytest.raises(NonFiniteTargetError, match="1 of the 800 elements of the target"):
        replace(posed, target=target)
    with pytest.raises(NonFiniteTargetError, match="elements of the mask"):
        replace(posed, mask=torch.tensor(bad))


def test_a_target_or_mask_of_zeros_has_no_relative_error(posed: Problem) -> None:
    with pytest.raises(ZeroTargetError, match="no relative error"):
        replace(posed, target=torch.zeros(8, 10, 10))
    with pytest.raises(ZeroTargetError, match="no relative error"):
        replace(posed, mask=torch.zeros(10))


def test_a_mask_must_broadcast_to_the_target(posed: Problem) -> None:
    for shape in [(), (10,), (1, 10), (8, 1, 1), (8, 10, 10)]:
        replace(posed, mask=torch.ones(shape))
    for shape in [(9,), (2, 8, 10, 10), (8,)]:
        with pytest.raises(ShapeMismatchError, match="does not broadcast"):
            replace(posed, mask=torch.ones(shape))


def test_a_target_of_another_shape_is_refused_with_both_shapes(
    posed: Problem, deep: NetworkRepresentation
) -> None:
    message = r"\(8, 10, 10\), but layer '4' of small gives \(6, 3, 3\) .* 24×24"
    with pytest.raises(ShapeMismatchError, match=message):
        posed.check(deep)


def test_the_fingerprint_changes_with_all_that_decides_the_picture(posed: Problem) -> None:
    assert replace(posed, stop=StopRule(target_error=0.1)).fingerprint == posed.fingerprint
    others = [
        replace(posed, seed=1),
        replace(posed, restart=1),
        replace(posed, target=posed.target + 1),
        replace(posed, mask=torch.ones(10)),
        replace(posed, settings=replace(posed.settings, data_weight=1.0)),
    ]
    assert len({posed.fingerprint, *(other.fingerprint for other in others)}) == 6


def test_stop_rules_are_checked() -> None:
    for wrong in ({"target_error": -1.0}, {"plateau": 2.0}, {"plateau_window_steps": 0}):
        with pytest.raises(SettingError):
            StopRule(**wrong)
