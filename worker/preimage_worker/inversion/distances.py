"""Distances between all codes of a set: how far unrelated codes are apart, or restarts of one.

All pairs come from one matrix of scalar products, ‖a − b‖² = ⟨a, a⟩ − 2⟨a, b⟩ + ⟨b, b⟩, summed over
stretches of elements. The difference of nearly equal numbers would cost digits, so the mean code is
taken off first, which changes no distance, and products are summed in double precision: relative to
a distance δ between codes of norm ν around their mean, the error is about 1e-16 · (ν/δ)².
"""

import torch
from torch import Tensor

_ELEMENTS_AT_ONCE = 1 << 16
"""Of each code: 100 codes take 50 MB at a time in double precision."""


def pairwise_distances(codes: Tensor, mask: Tensor | None = None) -> Tensor:
    """‖m∘(Φ_i − Φ_j)‖ of all codes.

    Args:
        codes: Φ, `(n, *code_shape)`, any floating dtype, on any device.
        mask: m, of one code's shape or broadcasting to it; None weighs every element 1.

    Returns:
        `(n, n)` on the CPU, float64, symmetric, zero on the diagonal.
    """
    flat = codes.flatten(1)
    weights = None if mask is None else mask.expand(codes.shape[1:]).flatten()
    products = torch.zeros(len(codes), len(codes), dtype=torch.float64, device=codes.device)
    for start in range(0, flat.shape[1], _ELEMENTS_AT_ONCE):
        stretch = slice(start, start + _ELEMENTS_AT_ONCE)
        part = flat[:, stretch].double()
        part = part - part.mean(0)
        if weights is not None:
            part = part * weights[stretch].to(part)
        products += part @ part.T
    squares = products.diagonal()
    distances = (squares[:, None] + squares[None] - 2 * products).clamp(min=0).sqrt().cpu()
    return distances.fill_diagonal_(0)


def of_pairs(distances: Tensor) -> Tensor:
    """The distances of the pairs (0, 1), (0, 2), …, (1, 2), …: the upper triangle, row by row."""
    rows, columns = torch.triu_indices(len(distances), len(distances), offset=1)
    return distances[rows, columns]
