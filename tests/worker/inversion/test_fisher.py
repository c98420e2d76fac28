"""Bounds on what anyone can tell of a picture from its noisy code."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from preimage_worker.inversion.errors import SettingError
from preimage_worker.inversion.fisher import error_bounds, information, van_trees
from tests.worker.inversion.small import picture, small_network

CHANNELS, SIDE = 3, 6
ELEMENTS = CHANNELS * SIDE * SIDE
GAIN = 0.7


@dataclass(frozen=True)
class Linear:
    """x ↦ A x, with AᵀA = GAIN² · 1."""

    matrix: Tensor
    model: str = "linear"
    layer: str = "linear"
    channels: int = CHANNELS
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)

    def stride(self, height: int, width: int) -> float:
        return 1.0

    def code_shape(self, height: int, width: int) -> tuple[int, ...]:
        return (len(self.matrix),)

    def __call__(self, canvas: Tensor) -> Tensor:
        return canvas.flatten(1) @ self.matrix.T


@pytest.fixture
def linear() -> Linear:
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(200, ELEMENTS, generator=generator, dtype=torch.float64)
    return Linear(GAIN * torch.linalg.qr(drawn).Q.float())


def simulated(linear: Linear, sigma: float, prior_variance: float, weight: float) -> float:
    """The mean squared error of weight · least squares, of pictures drawn from the prior."""
    generator = torch.Generator().manual_seed(1)
    x = prior_variance**0.5 * torch.randn(4000, ELEMENTS, generator=generator)
    noisy = x @ linear.matrix.T + sigma * torch.randn(4000, 200, generator=generator)
    estimate = weight * noisy @ linear.matrix / GAIN**2
    return float((estimate - x).square().mean())


@pytest.mark.parametrize(("sigma", "prior_variance"), [(0.5, 4.0), (2.0, 4.0), (7.0, 9.0)])
def test_least_squares_and_the_bayes_estimator_reach_their_bounds_on_orthogonal_columns(
    linear: Linear, sigma: float, prior_variance: float
) -> None:
    canvases = torch.randn(3, CHANNELS, SIDE, SIDE)
    traces = information(linear, canvases, sigma**-2, probes=64)
    variance = torch.full((CHANNELS, SIDE, SIDE), prior_variance)
    bounds = error_bounds(traces, variance)
    least_squares = simulated(linear, sigma, prior_variance, 1)
    assert least_squares == pytest.approx(bounds.unbiased, rel=0.02)
    shrinkage = prior_variance / (prior_variance + sigma**2 / GAIN**2)
    bayes = simulated(linear, sigma, prior_variance, shrinkage)
    assert bayes == pytest.approx(bounds.van_trees, rel=0.02)
    assert bounds.informative == (least_squares < prior_variance)


@pytest.mark.parametrize("node", ["1", "4"])
def test_64_probes_find_the_trace_within_a_tenth(node: str) -> None:
    representation = small_network(node)
    canvases = torch.stack([picture(seed) for seed in range(3)])
    exact = [
        float(
            torch.autograd.functional.jacobian(representation, canvas[None])  # type: ignore[no-untyped-call]
            .square()
            .sum()
        )
        for canvas in canvases
    ]
    found = information(representation, canvases, 4.0, probes=64)
    assert (found / 4).tolist() == pytest.approx(exact, rel=0.1)


def test_a_pictures_probes_are_decided_by_seed_and_number() -> None:
    representation = small_network("1")
    canvases = torch.stack([picture(seed) for seed in range(2)])
    both = information(representation, canvases, 1.0, probes=4)
    assert both[:1].equal(information(representation, canvases[:1], 1.0, probes=4))
    assert not both.equal(information(representation, canvases, 1.0, probes=4, seed=1))


def test_without_information_the_van_trees_bound_is_what_the_mean_picture_has() -> None:
    variance = torch.tensor([4.0, 1.0, 0.0, 9.0])
    assert van_trees(0.0, variance) == pytest.approx(14 / 4)
    assert van_trees(1e-6, variance) == pytest.approx(14 / 4, rel=1e-4)
    assert van_trees(1e9, variance) == pytest.approx(0, abs=1e-6)
    assert van_trees(1.0, torch.zeros(4)) == 0


def test_the_van_trees_bound_takes_the_least_certain_elements_for_the_best_known() -> None:
    # With 1/D - 1/9 = T the first element alone is told, as long as D stays above 4.
    variance = torch.tensor([1.0, 9.0, 4.0])
    trace = 1 / 6 - 1 / 9
    assert van_trees(trace, variance) == pytest.approx((6 + 4 + 1) / 3)
    trace = (1 / 3 - 1 / 9) + (1 / 3 - 1 / 4)
    assert van_trees(trace, variance) == pytest.approx((3 + 3 + 1) / 3)


def test_the_van_trees_bound_is_below_the_bayes_estimator_of_any_allocation() -> None:
    variance, told = torch.rand(50) * 10, torch.rand(50)
    reached = float((1 / (told + 1 / variance)).mean())
    assert van_trees(float(told.sum()), variance) <= reached


def test_an_unbiased_bound_above_the_mean_picture_says_nothing() -> None:
    bounds = error_bounds(torch.tensor([0.5]), torch.full((4,), 7.0))
    assert (bounds.unbiased, bounds.mean_picture, bounds.informative) == (8.0, 7.0, False)
    assert bounds.van_trees < 7


def test_a_number_of_probes_below_one_is_refused() -> None:
    with pytest.raises(SettingError, match="number of probes is 0"):
        information(small_network("1"), picture()[None], 1.0, probes=0)
