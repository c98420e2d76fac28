"""What natural pictures are expected to be: bounded (α-norm) and smooth (total variation).

Both come as value *and* gradient in closed form. Autograd would record a dozen nodes for each, and
its gradient of `(dx² + dy²)^{β/2}` on a flat picture is NaN for β < 2; here the power is taken of
`max(·, ε)` while the difference that it multiplies is zero.

Shapes: canvas `(lanes, channels, height, width)` in grey levels; per-lane numbers `(lanes,)`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

_EPSILON = 1e-16  # of scale²: what is smaller than 1e-8 scales is treated as quadratic
_QUADRATIC = 2


class Prior(NamedTuple):
    """A prior's numbers: `Σ (|v| / scale)^exponent`."""

    exponents: Sequence[float]
    """Of each lane; known to the host, which spares general powers where they are whole."""
    scale: Tensor
    """`(lanes,)`, grey levels."""


def alpha_norm(canvas: Tensor, prior: Prior, *, isotropic: bool) -> tuple[Tensor, Tensor]:
    """Σ (|x| / B)^α, and its gradient.

    Args:
        canvas: grey levels.
        prior: α and B.
        isotropic: take |x| as the length of a pixel's colour vector (Mahendran & Vedaldi
            2016) instead of each channel's own magnitude (2015).

    Returns:
        `(lanes,)` and the canvas' shape.
    """
    scale2 = _lanes(prior.scale).square()
    squares = canvas.square()
    if isotropic:
        squares = squares.sum(dim=1, keepdim=True)
    return _power_sum(squares.div_(scale2), canvas, prior.exponents, scale2)


def total_variation(
    canvas: Tensor, prior: Prior, inside: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Σ ((dx² + dy²)^{1/2} / V)^β over pixels and channels, and its gradient.

    Forward differences with replicate boundary: the last column has dx = 0, the last row dy = 0
    (Mahendran & Vedaldi 2015, 2016).

    Args:
        canvas: grey levels.
        prior: β and V.
        inside: `(lanes, 1, height, width)`, true where the lane's canvas is, anchored at the upper
            left; None where all lanes fill the tensor.

    Returns:
        `(lanes,)` and the canvas' shape.
    """
    across, down = canvas.new_zeros(canvas.shape), canvas.new_zeros(canvas.shape)
    across[..., :-1] = canvas[..., 1:] - canvas[..., :-1]
    down[..., :-1, :] = canvas[..., 1:, :] - canvas[..., :-1, :]
    if inside is not None:
        across[..., :-1] *= inside[..., 1:]
        down[..., :-1, :] *= inside[..., 1:, :]
    scale2 = _lanes(prior.scale).square()
    squares = across.square().addcmul_(down, down).div_(scale2)
    value, slope = _power_sum(squares, None, prior.exponents, scale2)
    across *= slope
    down *= slope
    gradient = across.add(down).neg_()
    gradient[..., 1:] += across[..., :-1]
    gradient[..., 1:, :] += down[..., :-1, :]
    return value, gradient


def _power_sum(
    squares: Tensor, factor: Tensor | None, exponents: Sequence[float], scale2: Tensor
) -> tuple[Tensor, Tensor]:
    """Σ s^{e/2} with s = |v|² / scale², and `e/scale² · s^{e/2−1} · factor`: its slope along v."""
    power = _powers(squares, exponents)
    value = (squares * power).flatten(1).sum(1)
    slope = power * (_lanes(squares.new_tensor(exponents)) / scale2)
    return value, slope if factor is None else slope * factor


def _powers(squares: Tensor, exponents: Sequence[float]) -> Tensor:
    """`max(s, ε)^{e/2 − 1}` of each lane, with the same bits whatever the other lanes' e are."""
    if set(exponents) == {_QUADRATIC}:
        return squares.new_ones(())
    if len(set(exponents)) == 1:
        return _power(squares, exponents[0])
    lanes = zip(squares, exponents, strict=True)
    return torch.stack([_power(lane, exponent) for lane, exponent in lanes])


def _power(squares: Tensor, exponent: float) -> Tensor:
    return squares.clamp(min=_EPSILON).pow(exponent / 2 - 1)


def _lanes(numbers: Tensor) -> Tensor:
    return numbers[:, None, None, None]
