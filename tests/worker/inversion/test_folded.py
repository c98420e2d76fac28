"""The cosine transform of the solver against the plain one."""

import pytest
import torch

from preimage_worker.inversion.cosine import dct2, frequencies
from preimage_worker.inversion.folded import (
    order,
    sorted_dct2,
    sorted_frequencies,
    sorted_idct2,
)

SIZES = [(1, 1), (1, 7), (2, 3), (8, 8), (13, 20), (227, 227)]
CPU = torch.device("cpu")


def _sorted(values: torch.Tensor) -> torch.Tensor:
    height, width = values.shape[-2:]
    return values[..., order(height), :][..., order(width)]


def _noise(height: int, width: int) -> torch.Tensor:
    return 50 * torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_it_is_the_plain_transform_sorted(height: int, width: int) -> None:
    canvas = _noise(height, width)
    torch.testing.assert_close(sorted_dct2(canvas), _sorted(dct2(canvas)), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_the_inverse_gives_the_canvas_back(height: int, width: int) -> None:
    canvas = _noise(height, width)
    back = sorted_idct2(sorted_dct2(canvas))
    torch.testing.assert_close(back, canvas, rtol=1e-4, atol=1e-3)


def test_the_eigenvalues_are_sorted_alike() -> None:
    assert torch.equal(sorted_frequencies(13, 20, CPU), _sorted(frequencies(13, 20, CPU)))


def test_a_lane_has_the_same_bits_whoever_shares_the_batch() -> None:
    canvas = _noise(31, 128)
    for transform in (sorted_dct2, sorted_idct2):
        assert torch.equal(transform(canvas)[1:], transform(canvas[1:]))
