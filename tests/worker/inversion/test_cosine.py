"""The cosine transform of canvases against SciPy's, and what it is for."""

import pytest
import torch
from scipy.fft import dctn

from preimage_worker.inversion.cosine import dct2, frequencies, idct2
from preimage_worker.inversion.priors import Magnitude, Prior, total_variation

QUADRATIC = Prior([Magnitude(2.0)] * 2, torch.ones(2))
SIZES = [(1, 1), (1, 7), (8, 8), (13, 20), (227, 227)]


def noise(height: int, width: int) -> torch.Tensor:
    return 50 * torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_coefficients_are_scipys_orthonormal_dct(height: int, width: int) -> None:
    canvas = noise(height, width)
    expected = torch.from_numpy(dctn(canvas.double().numpy(), type=2, norm="ortho", axes=(-2, -1)))
    assert torch.allclose(dct2(canvas).double(), expected, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_the_inverse_gives_the_canvas_back(height: int, width: int) -> None:
    canvas = noise(height, width)
    assert torch.allclose(idct2(dct2(canvas)), canvas, rtol=1e-4, atol=1e-3)


def test_transform_and_inverse_are_adjoint() -> None:
    canvas, coefficients = noise(13, 20), noise(13, 20).flip(-1)
    one, other = (dct2(canvas) * coefficients).sum(), (canvas * idct2(coefficients)).sum()
    assert float(one) == pytest.approx(float(other), rel=1e-5)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_quadratic_total_variation_is_diagonal_in_the_cosines(height: int, width: int) -> None:
    canvas = noise(height, width)
    value, _ = total_variation(canvas, QUADRATIC)
    diagonal = (dct2(canvas).square() * frequencies(height, width)).flatten(1).sum(1)
    assert torch.allclose(diagonal, value, rtol=1e-5, atol=1e-6)


def test_its_gradient_is_diagonal_too() -> None:
    canvas = noise(13, 20)
    _, gradient = total_variation(canvas, QUADRATIC)
    diagonal = idct2(2 * frequencies(13, 20) * dct2(canvas))
    assert torch.allclose(diagonal, gradient, rtol=1e-4, atol=1e-2)
