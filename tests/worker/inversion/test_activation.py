"""Maximisation and caricature: problems without an error, in the same lanes."""

from dataclasses import replace

import pytest
import torch

from preimage_worker.inversion.errors import BatchError, SettingError, ShapeMismatchError
from preimage_worker.inversion.lanes import LaneBatch
from preimage_worker.inversion.overrides import Overrides
from preimage_worker.inversion.presets import resolve
from preimage_worker.inversion.problem import Problem, StopRule
from preimage_worker.inversion.representations.network import NetworkRepresentation
from preimage_worker.inversion.settings import Basis, Coordinates, Family, Loss
from preimage_worker.inversion.start import draw
from tests.worker.inversion.small import SIDE, batch_of, picture, problem, run_to_end

SHORT = Overrides(steps=30)
STRONG = Overrides(steps=30, data_weight=100.0)
"""The network of these tests has random weights, and answers faintly."""


def maximising(phi: NetworkRepresentation, preset: str = "mv2016", channel: int = 0) -> Problem:
    """The mean of one channel."""
    settings = resolve(preset, phi, SIDE, SIDE, STRONG, loss=Loss.INNER)
    direction = torch.zeros(phi.code_shape(SIDE, SIDE))
    direction[channel] = 1 / direction[channel].numel()
    return Problem(direction, SIDE, SIDE, settings, scale=2.0)


def caricature(phi: NetworkRepresentation) -> Problem:
    start = picture(3)
    with torch.no_grad():
        code = phi(start[None])[0].clamp(min=0)
    settings = resolve("mv2016", phi, SIDE, SIDE, STRONG, loss=Loss.INNER)
    return Problem(code, SIDE, SIDE, settings, start=start)


def begun(phi: NetworkRepresentation, *problems: Problem) -> LaneBatch:
    settings = problems[0].settings
    return LaneBatch.empty(
        phi,
        settings.family,
        SIDE,
        SIDE,
        loss=settings.loss,
        coordinates=settings.coordinates,
    ).join(problems)


@pytest.mark.parametrize("preset", ["mv2016", "lucid"])
def test_maximisation_raises_the_mean_of_its_channel(
    deep: NetworkRepresentation, preset: str
) -> None:
    posed = maximising(deep, preset)
    batch, _ = run_to_end(begun(deep, posed))
    curve, (measured,) = batch.curve(0), batch.measure([0])
    code = deep(batch.pictures([0]))[0]
    assert curve[-1, 4] > 2 * curve[0, 4] > 0
    assert measured.relative_error == pytest.approx(float(code[0].mean()) / 2, rel=1e-4)
    assert curve[:, 1] == pytest.approx(-posed.settings.data_weight * curve[:, 4])


def test_a_caricature_starts_from_its_picture_and_exaggerates_it(
    deep: NetworkRepresentation,
) -> None:
    posed = caricature(deep)
    batch = begun(deep, posed)
    assert torch.equal(batch.pictures([0])[0], picture(3))
    assert batch.measure([0])[0].relative_error == pytest.approx(1, rel=1e-4)
    batch, _ = run_to_end(batch)
    assert batch.measure([0])[0].relative_error > 1.1


def test_the_room_around_a_start_repeats_its_edges(deep: NetworkRepresentation) -> None:
    canvas = draw(caricature(deep), (3, SIDE + 3, SIDE + 3))
    inside = canvas[:, 1 : SIDE + 1, 1 : SIDE + 1]
    assert torch.equal(inside, picture(3))
    assert torch.equal(canvas[:, 0, 1 : SIDE + 1], inside[:, 0])
    assert torch.equal(canvas[:, -1, 1 : SIDE + 1], inside[:, -1])


def test_an_activation_does_not_depend_on_its_batch_mates(deep: NetworkRepresentation) -> None:
    mine, others = maximising(deep), [maximising(deep, channel=c) for c in range(1, 4)]
    alone, _ = begun(deep, mine).run(30)
    beside, _ = begun(deep, caricature(deep), mine, *others).run(30)
    assert torch.equal(alone.pictures([0]), beside.pictures([1]))


def test_steps_in_cosines_do_not_depend_on_batch_mates_that_still_jitter(
    deep: NetworkRepresentation,
) -> None:
    """A lane that has settled fills its tensor no more, unlike its neighbours."""
    change = Overrides(steps=35, basis=Basis.DCT, decorrelated=True)
    mine = problem(deep, overrides=change)
    late = problem(deep, overrides=replace(change, steps=80), seed=4)
    alone, _ = begun(deep, mine).run(35)
    beside, _ = begun(deep, late, mine).run(35)
    assert torch.equal(alone.pictures([0]), beside.pictures([1]))
    assert alone.measure([0])[0].relative_error < alone.curve(0)[0, 4]


@pytest.mark.parametrize("basis", [Basis.DCT, Basis.FOURIER])
def test_a_checkpoint_in_other_coordinates_goes_on_bit_for_bit(
    deep: NetworkRepresentation, basis: Basis
) -> None:
    mine = problem(deep, overrides=Overrides(steps=20, basis=basis))
    half, _ = begun(deep, mine).run(9)
    whole, _ = half.run(11)
    empty = begun(deep, mine).select([])
    resumed, _ = empty.restore(mine, half.snapshot(0)).run(11)
    assert torch.equal(whole.pictures([0]), resumed.pictures([0]))


def test_cosine_inversion_turns_the_code_towards_its_target(shallow: NetworkRepresentation) -> None:
    squared = problem(shallow, overrides=SHORT)
    settings = resolve("mv2016", shallow, SIDE, SIDE, SHORT, loss=Loss.COSINE)
    batch, _ = run_to_end(begun(shallow, replace(squared, settings=settings)))
    ours, theirs = shallow(batch.pictures([0])).flatten(), squared.target.flatten()
    cosine = torch.nn.functional.cosine_similarity(ours, theirs, dim=0)
    assert float(cosine) > 0.9
    assert batch.curve(0)[-1, 1] == pytest.approx(300 * (1 - float(cosine)), rel=0.1)


def test_a_lane_may_have_a_bound_of_its_own(shallow: NetworkRepresentation) -> None:
    """One with a bound, one without: each within its own."""
    short = replace(SHORT, bound=20.0, alpha_norm_weight=0.0)
    free = replace(short, bound=torch.inf)
    bounded = problem(shallow, overrides=short)
    batch, _ = run_to_end(batch_of(shallow, problem(shallow, overrides=free), bounded))
    longest = batch.pictures([0, 1]).norm(dim=1).amax((-1, -2))
    assert float(longest[1]) <= 20.001
    assert float(longest[0]) > 40


def test_lanes_of_another_loss_or_coordinates_do_not_join(deep: NetworkRepresentation) -> None:
    empty = LaneBatch.empty(deep, Family.ADAGRAD, SIDE, SIDE)
    with pytest.raises(BatchError, match=r"Loss\.INNER"):
        empty.join([maximising(deep)])
    with pytest.raises(BatchError, match="DCT"):
        empty.join([problem(deep, overrides=Overrides(basis=Basis.DCT))])
    cosines = LaneBatch.empty(deep, Family.ADAGRAD, SIDE, SIDE, coordinates=Coordinates(Basis.DCT))
    with pytest.raises(BatchError, match="coordinates"):
        empty.concatenate(cosines)


def test_what_only_activations_have_is_refused_elsewhere_and_the_reverse(
    deep: NetworkRepresentation,
) -> None:
    inverting, raising = problem(deep), maximising(deep)
    for change in ({"scale": 1.0}, {"start": picture(0)}):
        with pytest.raises(SettingError, match="Only activations"):
            replace(inverting, **change)
    with pytest.raises(SettingError, match="no relative error"):
        replace(raising, stop=StopRule(target_error=0.1))
    with pytest.raises(SettingError, match="the scale of the activation"):
        replace(raising, scale=0.0)
    with pytest.raises(ShapeMismatchError, match="send a canvas of 24×24 pixels"):
        replace(raising, start=torch.zeros(3, 5, 5))
    with pytest.raises(ShapeMismatchError, match="2 channels"):
        replace(raising, start=torch.zeros(2, SIDE, SIDE)).check(deep)


def test_scale_and_start_are_part_of_the_fingerprint(deep: NetworkRepresentation) -> None:
    raising = maximising(deep)
    others = (raising, replace(raising, scale=3.0), replace(raising, start=picture(0)))
    assert len({other.fingerprint for other in others}) == 3
