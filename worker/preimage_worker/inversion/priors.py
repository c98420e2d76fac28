"""What natural pictures are expected to be: bounded (α-norm) and smooth (total variation).

A prior is a function from canvases and its numbers to value *and* gradient in closed form, and an
entry of `PRIORS`; nothing else knows how many there are. Autograd would record a dozen nodes for
each, and its gradient of `(dx² + dy²)^{β/2}` on a flat picture is NaN for β < 2; here the power is
taken of `max(·, ε)` while the difference that it multiplies is zero.

Shapes: canvas `(lanes, channels, height, width)` in grey levels; per-lane numbers `(lanes,)`.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

_EPSILON = 1e-16  # of scale²: what is smaller than 1e-8 scales is treated as quadratic
_QUADRATIC = 2


class Magnitude(NamedTuple):
    """How one lane turns a field v into numbers; known to the host, which spares general powers."""

    exponent: float
    """e of |v|^e, at least 1."""
    isotropic: bool = False
    """Whether |v| is the length over all channels of a pixel, instead of each channel's own."""


class Prior(NamedTuple):
    """A prior's numbers in all lanes: `Σ (|v| / scale)^exponent`."""

    magnitudes: Sequence[Magnitude]
    """Of each lane."""
    scale: Tensor
    """`(lanes,)`, grey levels."""
    inside: Tensor | None = None
    """`(lanes, 1, height, width)`, true where the lane's canvas is, anchored at the upper left;
    None where all lanes fill the tensor. The canvas is 0 outside."""


def alpha_norm(canvas: Tensor, prior: Prior) -> tuple[Tensor, Tensor]:
    """Σ (|x| / B)^α, and its gradient.

    Of each channel by itself: Mahendran & Vedaldi 2015, section 3. Isotropic, of the colour vector
    of each pixel: 2016, eq. 5.

    Returns:
        `(lanes,)` and the canvas' shape.
    """
    value, slope = _power_sum(canvas.square(), prior)
    return value, slope * canvas


def total_variation(canvas: Tensor, prior: Prior) -> tuple[Tensor, Tensor]:
    """Σ ((dx² + dy²)^{1/2} / V)^β over pixels and channels, and its gradient.

    Forward differences with replicate boundary: the last column has dx = 0, the last row dy = 0
    (Mahendran & Vedaldi 2015, eq. 3; 2016).

    Returns:
        `(lanes,)` and the canvas' shape.
    """
    across, down = canvas.new_zeros(canvas.shape), canvas.new_zeros(canvas.shape)
    across[..., :-1] = canvas[..., 1:] - canvas[..., :-1]
    down[..., :-1, :] = canvas[..., 1:, :] - canvas[..., :-1, :]
    if prior.inside is not None:
        across[..., :-1] *= prior.inside[..., 1:]
        down[..., :-1, :] *= prior.inside[..., 1:, :]
    value, slope = _power_sum(across.square().addcmul_(down, down), prior)
    across *= slope
    down *= slope
    gradient = across.add(down).neg_()
    gradient[..., 1:] += across[..., :-1]
    gradient[..., 1:, :] += down[..., :-1, :]
    return value, gradient


PRIORS: dict[str, Callable[[Tensor, Prior], tuple[Tensor, Tensor]]] = {
    "alpha_norm": alpha_norm,
    "total_variation": total_variation,
}
"""By the name that settings, curves and reports have for it, in the order of the curve's columns.
A new prior is one more entry here and in `Settings.priors`."""


def _power_sum(squares: Tensor, prior: Prior) -> tuple[Tensor, Tensor]:
    """Σ s^{e/2} with s = |v|² / scale², and `e/scale² · s^{e/2−1}`: its slope along v, over v.

    A lane has the same slopes, bit for bit, whatever the magnitudes of the others are. On a CPU the
    bits of powers and sums depend on how many lanes there are, so each goes by itself (`by_lane`).
    """
    scale2 = prior.scale[:, None, None, None].square()
    if len(set(prior.magnitudes)) == 1 and squares.device.type != "cpu":
        return _power_sum_of(squares, prior.magnitudes[0], scale2)
    single = (slice(lane, lane + 1) for lane in range(len(squares)))
    lanes = ((squares[i], prior.magnitudes[i.start], scale2[i]) for i in single)
    values, slopes = zip(*(_power_sum_of(*lane) for lane in lanes), strict=True)
    return torch.cat(values), torch.cat([slope.expand(1, *squares.shape[1:]) for slope in slopes])


def _power_sum_of(squares: Tensor, magnitude: Magnitude, scale2: Tensor) -> tuple[Tensor, Tensor]:
    if magnitude.isotropic:
        squares = squares.sum(dim=1, keepdim=True)
    squares = squares / scale2
    slope = magnitude.exponent / scale2
    if magnitude.exponent == _QUADRATIC:
        return squares.flatten(1).sum(1), slope
    power = squares.clamp(min=_EPSILON).pow(magnitude.exponent / 2 - 1)
    return (squares * power).flatten(1).sum(1), power * slope
