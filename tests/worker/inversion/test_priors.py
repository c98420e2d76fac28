from collections.abc import Callable

import pytest
import torch

from preimage_worker.inversion.priors import Magnitude, Prior, alpha_norm, total_variation

Term = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


def _prior(
    exponent: float,
    scale: float = 1.0,
    lanes: int = 1,
    *,
    isotropic: bool = False,
    inside: torch.Tensor | None = None,
) -> Prior:
    scales = torch.full((lanes,), scale, dtype=torch.float64)
    return Prior([Magnitude(exponent, isotropic)] * lanes, scales, inside)


def _variation(canvas: torch.Tensor, beta: float, scale: float = 1.0) -> float:
    return float(total_variation(canvas, _prior(beta, scale))[0])


def test_total_variation_of_a_ramp_is_its_slope_to_the_beta_once_for_each_difference() -> None:
    ramp = 3.0 * torch.arange(5, dtype=torch.float64).expand(1, 2, 4, 5)
    # 2 channels, 4 rows, 4 differences in a row; the last column has none.
    assert _variation(ramp, 2) == pytest.approx(2 * 4 * 4 * 9)
    assert _variation(ramp, 1) == pytest.approx(2 * 4 * 4 * 3)
    assert _variation(ramp.mT, 2) == pytest.approx(2 * 4 * 4 * 9)
    assert _variation(ramp, 2, scale=6.0) == pytest.approx(2 * 4 * 4 / 4)


def test_total_variation_of_a_constant_is_nothing_with_a_gradient_of_nothing() -> None:
    for beta in (1.0, 1.5, 2.0, 3.0):
        value, gradient = total_variation(torch.full((1, 3, 4, 5), 9.0).double(), _prior(beta))
        assert value.abs().max() < 1e-12
        assert gradient.abs().max() == 0


def test_total_variation_of_an_impulse_counts_the_corner_once_and_each_neighbour_once() -> None:
    impulse = torch.zeros(1, 1, 5, 5, dtype=torch.float64)
    impulse[0, 0, 2, 2] = 2.0
    # The pixel itself sees it in both directions, the pixel to the left and the one above in one.
    assert _variation(impulse, 1) == pytest.approx(2 * 2**0.5 + 2 + 2)
    assert _variation(impulse, 2) == pytest.approx(8 + 4 + 4)


def test_alpha_norm_of_a_constant_is_its_level_to_the_alpha_for_each_element() -> None:
    level = torch.full((1, 3, 2, 5), 4.0, dtype=torch.float64)
    separate, _ = alpha_norm(level, _prior(6.0, scale=8.0))
    isotropic, _ = alpha_norm(level, _prior(6.0, scale=8.0, isotropic=True))
    assert float(separate) == pytest.approx(30 * 0.5**6)
    assert float(isotropic) == pytest.approx(10 * (3**0.5 * 0.5) ** 6)


@pytest.mark.parametrize("exponent", [1.0, 1.7, 2.0, 3.0, 6.0])
def test_gradients_are_those_of_the_values(exponent: float) -> None:
    generator = torch.Generator().manual_seed(1)
    canvas = torch.randn(2, 3, 4, 5, dtype=torch.float64, generator=generator)
    direction = torch.randn(2, 3, 4, 5, dtype=torch.float64, generator=generator)
    prior, joint = (_prior(exponent, 0.7, lanes=2, isotropic=flag) for flag in (False, True))
    inside = torch.ones(2, 1, 4, 5, dtype=torch.bool)
    inside[1, :, 3:], inside[1, :, :, 2:] = False, False
    terms: list[Term] = [
        lambda x: alpha_norm(x, joint),
        lambda x: alpha_norm(x, prior),
        lambda x: total_variation(x, prior),
        lambda x: total_variation(x, joint),
        lambda x: total_variation(x, prior._replace(inside=inside)),
    ]
    for term in terms:
        slope = (term(canvas)[1] * direction).flatten(1).sum(1)
        step = 1e-6 * direction
        difference = (term(canvas + step)[0] - term(canvas - step)[0]) / 2e-6
        torch.testing.assert_close(slope, difference, rtol=1e-6, atol=1e-6)


def test_a_smaller_canvas_inside_a_larger_tensor_has_the_values_it_has_alone() -> None:
    alone = torch.randn(1, 3, 4, 5, dtype=torch.float64)
    room = torch.zeros(1, 3, 6, 6, dtype=torch.float64)
    room[..., :4, :5] = alone
    inside = torch.zeros(1, 1, 6, 6, dtype=torch.bool)
    inside[..., :4, :5] = True
    value, gradient = total_variation(alone, _prior(2.0))
    roomy_value, roomy_gradient = total_variation(room, _prior(2.0, inside=inside))
    torch.testing.assert_close(roomy_value, value)
    torch.testing.assert_close(roomy_gradient[..., :4, :5], gradient)
    assert roomy_gradient[..., 4:, :].abs().max() == 0
    assert roomy_gradient[..., 5:].abs().max() == 0


def test_every_magnitude_and_scale_may_differ_from_lane_to_lane() -> None:
    canvas = torch.randn(3, 3, 4, 5, dtype=torch.float64)
    magnitudes = [Magnitude(2.0), Magnitude(3.0), Magnitude(3.0, isotropic=True)]
    scales = torch.tensor([1.0, 5.0, 5.0], dtype=torch.float64)
    for term in (alpha_norm, total_variation):
        together = term(canvas, Prior(magnitudes, scales))
        for lane, magnitude in enumerate(magnitudes):
            alone = term(canvas[lane : lane + 1], Prior([magnitude], scales[lane : lane + 1]))
            torch.testing.assert_close(together[0][lane : lane + 1], alone[0])
            torch.testing.assert_close(together[1][lane : lane + 1], alone[1], rtol=0, atol=0)


@pytest.mark.parametrize("beta", [1.0, 1.5, 3.0])
def test_the_gradient_of_a_ramps_total_variation_is_its_divergence(beta: float) -> None:
    """Of a ramp only the two ends pull: β s^(β−1) outwards, nothing between."""
    ramp = 3.0 * torch.arange(5, dtype=torch.float64).expand(1, 1, 4, 5)
    _, gradient = total_variation(ramp, _prior(beta))
    pull = beta * 3 ** (beta - 1)
    expected = torch.tensor([-pull, 0, 0, 0, pull], dtype=torch.float64).expand(1, 1, 4, 5)
    torch.testing.assert_close(gradient, expected)
