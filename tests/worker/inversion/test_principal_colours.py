"""The solver's colours on layers whose grid is coarse."""

import pytest
import torch
from torch import nn

from preimage_worker.inversion import presets
from preimage_worker.inversion.coordinates import principal_colours
from preimage_worker.inversion.lanes import LaneBatch
from preimage_worker.inversion.overrides import Overrides
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.representations.network import NetworkRepresentation, network
from preimage_worker.inversion.traits import traits_of

SIDE = 64


@pytest.fixture
def coarse() -> NetworkRepresentation:
    """A code of 6 × 4 × 4 of pictures of 64 × 64: stride 16."""
    torch.manual_seed(3)
    layers = nn.Sequential(nn.Conv2d(3, 8, 5, 4, 2), nn.ReLU(), nn.Conv2d(8, 6, 5, 4, 2), nn.ReLU())
    return network(layers, "3", name="coarse", mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2))


def _problem(phi: NetworkRepresentation, seed: int) -> Problem:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        code = phi(60 * torch.randn(1, 3, SIDE, SIDE, generator=generator))[0]
    settings = presets.resolve("auto", phi, SIDE, SIDE, Overrides(steps=40))
    return Problem(code, SIDE, SIDE, settings, seed=seed)


def _batch(phi: NetworkRepresentation, *problems: Problem) -> LaneBatch:
    return LaneBatch.empty(phi, problems[0].settings.family, SIDE, SIDE).join(problems)


def test_principal_colours_are_orthonormal_and_brightness_comes_first() -> None:
    colours, shares = principal_colours(torch.device("cpu"))
    torch.testing.assert_close(colours.T @ colours, torch.eye(3))
    assert (colours[:, 0] > 0.5).all()
    assert shares.tolist() == sorted(shares.tolist(), reverse=True)
    assert float(shares.sum()) == pytest.approx(1)


def test_a_coarse_layer_is_inverted_in_them(coarse: NetworkRepresentation) -> None:
    assert traits_of(coarse, SIDE, SIDE).coarseness == 1
    problem = _problem(coarse, 0)
    batch, report = _batch(coarse, problem).run(40)
    first = batch.curve(0)[0]
    assert report.lanes[0].objective < 0.5 * first[0]


def test_the_bits_of_a_coarse_layer_do_not_depend_on_the_batch(
    coarse: NetworkRepresentation,
) -> None:
    problems = [_problem(coarse, seed) for seed in range(5)]
    together, _ = _batch(coarse, *problems).run(40)
    alone, _ = _batch(coarse, problems[2]).run(40)
    assert torch.equal(together.pictures([2]), alone.pictures([0]))
