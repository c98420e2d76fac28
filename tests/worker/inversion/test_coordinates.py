"""Steps in other coordinates: linear maps, their adjoints, and what they do to an update."""

import pytest
import torch

from preimage_worker.inversion.coordinates import hartley2, in_coordinates, to_pixels, to_steps
from preimage_worker.inversion.optimisers.families import METHODS, method
from preimage_worker.inversion.optimisers.transform import Control
from preimage_worker.inversion.settings import Basis, Coordinates, Family

ALL = [Coordinates(basis, decorrelated=flag) for basis in Basis for flag in (False, True)]


def noise(seed: int) -> torch.Tensor:
    return torch.randn(2, 3, 11, 16, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("coordinates", ALL)
def test_gradients_go_through_the_adjoint_of_what_steps_go_through(
    coordinates: Coordinates,
) -> None:
    one = (to_pixels(noise(0), coordinates) * noise(1)).sum()
    other = (noise(0) * to_steps(noise(1), coordinates)).sum()
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("coordinates", ALL)
def test_a_step_of_noise_is_as_long_in_pixels_as_in_coordinates(coordinates: Coordinates) -> None:
    """The mean square of the map is 1: its squared norm is the number of elements."""
    size = 3 * 4 * 5
    unit = torch.eye(size).reshape(size, 3, 4, 5)
    squares = to_pixels(unit, coordinates).square().sum()
    assert float(squares) == pytest.approx(size, rel=1e-4)


def test_the_hartley_transform_is_orthonormal_and_its_own_inverse() -> None:
    canvas = noise(0)
    torch.testing.assert_close(hartley2(hartley2(canvas)), canvas)
    torch.testing.assert_close(hartley2(canvas).norm(), canvas.norm())


def test_a_wave_is_one_frequency_of_the_hartley_transform() -> None:
    angle = 2 * torch.pi * 3 * torch.arange(16) / 16
    wave = (angle.cos() + angle.sin()).expand(1, 1, 8, 16)
    coefficients = hartley2(wave).abs()
    assert int(coefficients.flatten().argmax()) == 3
    assert float(coefficients.sum()) == pytest.approx(float(coefficients.max()), rel=1e-4)


def test_pixels_are_the_transform_itself() -> None:
    transform = METHODS[Family.ADAGRAD].transform
    assert in_coordinates(transform, Coordinates()) is transform


def test_a_plain_step_in_cosines_is_one_preconditioned_by_their_squares() -> None:
    coordinates = Coordinates(Basis.DCT)
    transform = method(Family.MOMENTUM, coordinates).transform
    rate, age = torch.full((2, 1, 1, 1), 0.5), torch.zeros(2, 1, 1, 1)
    update, _ = transform.update(noise(0), transform.init(noise(0)), Control(rate, age, age))
    expected = -0.5 * to_pixels(to_steps(noise(0), coordinates), coordinates)
    torch.testing.assert_close(update, expected)


def test_low_frequencies_go_first() -> None:
    slow, fast = torch.zeros(1, 1, 16, 16), torch.zeros(1, 1, 16, 16)
    slow[..., 0, 1], fast[..., 15, 15] = 1, 1
    lengths = [to_pixels(each, Coordinates(Basis.DCT)).norm() for each in (slow, fast)]
    # 1/32 cycles a pixel is held at 1/16; the other has √2 · 15/32.
    assert float(lengths[0] / lengths[1]) == pytest.approx(16 * 2**0.5 * 15 / 32, rel=1e-4)


def test_grey_and_the_strongest_colours_agree() -> None:
    strongest = torch.zeros(1, 3, 1, 1)
    strongest[:, 0] = 1
    colours = to_pixels(strongest, Coordinates(decorrelated=True)).flatten()
    assert float(colours.min() / colours.max()) > 0.8
