"""Codes that are known in bounds only run like any other."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from preimage_worker.inversion.errors import (
    CheckpointError,
    NonFiniteTargetError,
    SettingError,
    ShapeMismatchError,
)
from preimage_worker.inversion.objectives import Bounds
from preimage_worker.inversion.overrides import Overrides
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.representations.joined import join
from preimage_worker.inversion.representations.network import NetworkRepresentation
from preimage_worker.inversion.settings import Loss
from tests.worker.inversion.small import batch_of, problem, run_to_end


def around(code: Tensor, half: float) -> Bounds:
    return Bounds(code - half, code + half)


def bounded(representation: Representation, preset: str = "mv2016", *, seed: int = 0) -> Problem:
    """A problem whose code is known to a tenth of its largest element."""
    posed = problem(representation, preset, Overrides(steps=40), of=seed, seed=seed)
    return replace(posed, bounds=around(posed.target, 0.1 * float(posed.target.abs().max())))


@pytest.mark.parametrize("preset", ["mv2016", "auto"])
def test_bounds_that_leave_no_choice_lead_to_the_same_picture(
    deep: NetworkRepresentation, preset: str
) -> None:
    posed = problem(deep, preset, Overrides(steps=40))
    exact, _ = run_to_end(batch_of(deep, posed))
    same = replace(posed, bounds=Bounds(posed.target, posed.target))
    bounds, _ = run_to_end(batch_of(deep, same))
    assert torch.equal(exact.pictures([0]), bounds.pictures([0]))
    assert exact.measure([0]) == bounds.measure([0])


def test_what_the_bounds_allow_costs_nothing_and_the_error_is_the_distance_to_them(
    shallow: NetworkRepresentation,
) -> None:
    posed = bounded(shallow)
    batch, _ = run_to_end(batch_of(shallow, posed))
    (measured,) = batch.measure([0])
    with torch.no_grad():
        code = shallow(batch.pictures([0]))[0]
    assert posed.bounds is not None
    distance = (code - code.clamp(*posed.bounds)).norm() / posed.target.norm()
    assert measured.relative_error == pytest.approx(float(distance), rel=1e-4)
    assert measured.relative_error < float((code - posed.target).norm() / posed.target.norm())


@pytest.mark.parametrize("preset", ["mv2016", "auto"])
def test_a_lane_with_bounds_has_the_bits_that_it_has_alone_beside_lanes_without(
    deep: NetworkRepresentation, preset: str
) -> None:
    mine = bounded(deep, preset)
    mask = torch.ones_like(mine.target)
    mask[0] = 0
    other = problem(deep, preset, Overrides(steps=40), seed=5)
    others = [other, replace(other, mask=mask), bounded(deep, preset, seed=6)]
    alone, _ = run_to_end(batch_of(deep, mine))
    together, _ = batch_of(deep, *others[:2]).run(7)
    together = together.join([mine, others[2]])
    together, _ = together.run(13)
    together, _ = run_to_end(together.select([2]))
    assert torch.equal(alone.pictures([0]), together.pictures([0]))
    assert alone.measure([0]) == together.measure([0])


def test_a_lane_without_bounds_does_not_notice_that_others_have_some(
    deep: NetworkRepresentation,
) -> None:
    plain = problem(deep, overrides=Overrides(steps=20))
    alone, _ = run_to_end(batch_of(deep, plain))
    beside, _ = run_to_end(batch_of(deep, plain, replace(bounded(deep), settings=plain.settings)))
    assert torch.equal(alone.pictures([0]), beside.pictures([0]))


@pytest.mark.parametrize("preset", ["mv2016", "auto"])
def test_a_restored_lane_with_bounds_ends_with_the_same_bits(
    deep: NetworkRepresentation, preset: str
) -> None:
    posed = bounded(deep, preset)
    batch, _ = batch_of(deep, posed).run(17)
    empty, snapshot = batch.leave([0]), batch.snapshot(0)
    went_on, _ = run_to_end(batch)
    resumed, _ = run_to_end(empty.restore(posed, snapshot))
    assert torch.equal(went_on.pictures([0]), resumed.pictures([0]))
    assert went_on.measure([0]) == resumed.measure([0])
    for bounds in (None, around(posed.target, 1.0)):
        with pytest.raises(CheckpointError, match="another problem"):
            empty.restore(replace(posed, bounds=bounds), snapshot)


def test_each_layer_of_several_has_its_own_distance_to_the_bounds(
    shallow: NetworkRepresentation, deep: NetworkRepresentation
) -> None:
    posed = problem(join([deep, shallow]), overrides=Overrides(steps=2))
    free = torch.full_like(posed.target, torch.inf)
    deeper = 54  # elements of the deep code, which come first
    low, high = posed.target.clone(), posed.target.clone()
    low[:deeper], high[:deeper] = -free[:deeper], free[:deeper]
    batch, _ = run_to_end(batch_of(join([deep, shallow]), replace(posed, bounds=Bounds(low, high))))
    (measured,) = batch.measure([0])
    assert measured.layers[0].relative == 0
    assert measured.layers[1].relative > 0


def test_bounds_that_make_no_sense_are_refused(deep: NetworkRepresentation) -> None:
    posed = problem(deep)
    with pytest.raises(ShapeMismatchError, match=r"send two of the target's, \(6, 3, 3\)"):
        replace(posed, bounds=Bounds(posed.target[:2], posed.target))
    with pytest.raises(NonFiniteTargetError, match="bounds hold NaN"):
        replace(posed, bounds=Bounds(posed.target, posed.target * torch.nan))
    with pytest.raises(SettingError, match="54 elements have a lower bound above"):
        replace(posed, bounds=Bounds(posed.target + 1, posed.target))
    cosine = replace(posed.settings, loss=Loss.COSINE)
    with pytest.raises(SettingError, match="Only the loss 'squared' has bounds, not 'cosine'"):
        replace(posed, settings=cosine, bounds=Bounds(posed.target, posed.target))
