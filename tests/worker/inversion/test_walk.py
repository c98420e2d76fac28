"""A lane that looks for the strength of its priors by itself."""

from dataclasses import replace

import pytest
import torch

from preimage_worker.inversion import presets
from preimage_worker.inversion.errors import SettingError
from preimage_worker.inversion.lanes import LaneBatch
from preimage_worker.inversion.outcome import Outcome
from preimage_worker.inversion.overrides import Overrides
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.representations.network import NetworkRepresentation
from preimage_worker.inversion.settings import Segment
from preimage_worker.inversion.walk import FACTORS, Walk, Waypoint, ladder

SIDE = 24


def _problem(phi: NetworkRepresentation, walk: Walk, steps: int = 20, seed: int = 0) -> Problem:
    picture = 60 * torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        code = phi(picture)[0]
    settings = presets.resolve("auto", phi, SIDE, SIDE, Overrides(steps=steps, walks=True))
    return Problem(code, SIDE, SIDE, settings, seed=seed, walk=walk)


def _batch(phi: NetworkRepresentation, *problems: Problem) -> LaneBatch:
    return LaneBatch.empty(phi, problems[0].settings.family, SIDE, SIDE).join(problems)


def _finish(batch: LaneBatch, steps: int = 1000) -> LaneBatch:
    while batch.lanes[0].outcome is None:
        batch, _ = batch.run(steps)
    return batch


def test_the_ladder_goes_from_strong_to_weak_in_half_a_schedule_and_fifths() -> None:
    rungs = ladder(Segment(200, 1.0))
    assert [rung.steps for rung in rungs] == [100] + 7 * [40]
    assert [rung.prior_factor for rung in rungs] == list(FACTORS)
    assert pytest.approx([10**0.5, 1.0]) == [FACTORS[2], FACTORS[3]]


def test_a_walk_that_allows_everything_ends_at_the_strongest_priors(
    shallow: NetworkRepresentation,
) -> None:
    batch = _finish(_batch(shallow, _problem(shallow, Walk(least_error=1e6))))
    assert batch.lanes[0].outcome is Outcome.TARGET_REACHED
    assert [point.factor for point in batch.walked(0)] == [FACTORS[0]]
    assert batch.lanes[0].step == 10


def test_a_walk_that_allows_nothing_ends_at_the_weakest_priors_and_says_so(
    shallow: NetworkRepresentation,
) -> None:
    walk = Walk(noise_multiple=1e-9, least_error=1e-9)
    batch = _finish(_batch(shallow, _problem(shallow, walk)))
    points = batch.walked(0)
    assert batch.lanes[0].outcome is Outcome.STEP_LIMIT
    assert [point.factor for point in points] == list(FACTORS)
    assert points[-1].relative_error < points[0].relative_error
    assert not any(point.within(walk) for point in points)


def test_the_walk_ends_at_the_first_error_within_its_limit_and_delivers_that_picture(
    shallow: NetworkRepresentation,
) -> None:
    nothing = Walk(noise_multiple=1e-9, least_error=1e-9)
    errors = [
        point.relative_error
        for point in _finish(_batch(shallow, _problem(shallow, nothing))).walked(0)
    ]
    middle = Walk(noise_multiple=1e-9, least_error=(errors[3] + errors[4]) / 2)
    batch = _finish(_batch(shallow, _problem(shallow, middle)))
    assert [point.relative_error for point in batch.walked(0)] == errors[:5]
    (measured,) = batch.measure([0])
    assert measured.relative_error == pytest.approx(errors[4], rel=1e-5)
    assert measured.network_passes == batch.lanes[0].step + 2 * 5 + 2


def test_the_noise_floor_is_what_rounding_changes_of_the_code(
    shallow: NetworkRepresentation,
) -> None:
    problem = _problem(shallow, Walk(least_error=1e6))
    batch = _finish(_batch(shallow, problem))
    picture = batch.pictures([0])
    mean = torch.tensor(shallow.mean)[:, None, None]
    rounded = (picture + mean).clamp(0, 255).round() - mean
    with torch.no_grad():
        change = (shallow(rounded) - shallow(picture)).norm()
    floor = batch.walked(0)[0].noise_floor
    assert floor == pytest.approx(float(change) / problem.energy**0.5, rel=1e-4)
    assert Waypoint(1.0, 0.5, floor).allowed(Walk(3.0, 0.25)) == pytest.approx(3 * floor + 0.25)


def test_a_walk_beside_others_and_from_a_checkpoint_is_the_same_walk(
    shallow: NetworkRepresentation,
) -> None:
    walk = Walk(noise_multiple=1e-9, least_error=1e-9)
    problem, other = _problem(shallow, walk), _problem(shallow, walk, steps=35, seed=9)
    alone = _finish(_batch(shallow, problem))
    beside = _finish(_batch(shallow, problem, other), steps=7)
    assert beside.walked(0) == alone.walked(0)
    assert torch.equal(beside.pictures([0]), alone.pictures([0]))
    batch = _batch(shallow, problem)
    for _ in range(3):
        batch, _ = batch.run(6)
    resumed = LaneBatch.empty(shallow, problem.settings.family, SIDE, SIDE)
    resumed = _finish(resumed.restore(problem, batch.snapshot(0)), steps=5)
    assert resumed.walked(0) == alone.walked(0)
    assert torch.equal(resumed.pictures([0]), alone.pictures([0]))


def test_a_recipe_does_not_walk(shallow: NetworkRepresentation) -> None:
    with pytest.raises(SettingError, match="Only the preset auto"):
        presets.resolve("mv2016", shallow, SIDE, SIDE, Overrides(walks=True))


def test_a_plain_schedule_is_not_asked_where_it_led(shallow: NetworkRepresentation) -> None:
    problem = replace(
        _problem(shallow, Walk()),
        settings=presets.resolve("auto", shallow, SIDE, SIDE, Overrides(steps=10)),
        walk=None,
    )
    assert _finish(_batch(shallow, problem)).walked(0) == ()
