"""Distances between all codes of a set."""

import numpy as np
import pytest
import torch

from preimage_worker.inversion import distances
from preimage_worker.inversion.distances import of_pairs, pairwise_distances


def differences(codes: torch.Tensor) -> np.ndarray:
    flat = codes.flatten(1).double().numpy()
    return np.linalg.norm(flat[:, None] - flat[None], axis=2)


def test_distances_are_those_of_exact_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances, "_ELEMENTS_AT_ONCE", 7)  # several stretches, the last one short
    codes = torch.randn(6, 3, 5, 4, generator=torch.Generator().manual_seed(0))
    found = pairwise_distances(codes)
    assert found.dtype == torch.float64
    assert found.numpy() == pytest.approx(differences(codes), rel=1e-12)


def test_close_codes_far_from_zero_keep_their_digits() -> None:
    generator = torch.Generator().manual_seed(1)
    common = 1e4 + torch.randn(1000, generator=generator)
    codes = common + 1e-2 * torch.randn(4, 1000, generator=generator)
    assert pairwise_distances(codes).numpy() == pytest.approx(differences(codes), rel=1e-9)


def test_equal_codes_are_exactly_nothing_apart() -> None:
    codes = torch.randn(1, 50, generator=torch.Generator().manual_seed(2)).repeat(3, 1)
    assert torch.equal(pairwise_distances(codes), torch.zeros(3, 3, dtype=torch.float64))


def test_a_mask_leaves_only_what_it_keeps() -> None:
    codes = torch.tensor([[[0.0, 3.0], [9.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]]])
    columns = torch.tensor([[False, True]])  # broadcasts along the rows
    assert pairwise_distances(codes, columns)[0, 1] == pytest.approx(5)


def test_pairs_come_row_by_row() -> None:
    points = torch.tensor([[0.0], [1.0], [3.0], [7.0]])
    assert of_pairs(pairwise_distances(points)).tolist() == pytest.approx([1, 3, 7, 2, 6, 4])
