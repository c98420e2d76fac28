"""What natural pictures are expected to be: bounded (α-norm) and smooth (total variation).

A prior is a function from canvases and its numbers to value *and* gradient in closed form, and an
entry of `PRIORS`; nothing else knows how many there are. Autograd would record a dozen nodes for
each, and its gradient of `(dx² + dy²)^{β/2}` on a flat picture is NaN for β < 2; here the power is
taken of `max(·, ε)` while the difference that it multiplies is zero.

Shapes: canvas `(lanes, channels, height, width)` in grey levels; per-lane numbers `(lanes,)`.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import NamedTuple

import torch
from torch import Tensor

from preimage_worker.inversion.by_lane import per_lane
from preimage_worker.inversion.lengths import square_lengths

_EPSILON = 1e-16  # of scale²: what is smaller than 1e-8 scales is treated as quadratic
QUADRATIC = 2


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

    def of(self, lanes: slice) -> "Prior":
        """The numbers of some lanes; views."""
        inside = None if self.inside is None else self.inside[lanes]
        return Prior(self.magnitudes[lanes], self.scale[lanes], inside)


Term = Callable[[Tensor, Prior], tuple[Tensor, Tensor]]
"""From canvases and a prior's numbers to its values `(lanes,)` and their gradient."""


def _lanes_alike(term: Term) -> Term:
    """The term, which is given lanes of one magnitude only.

    A lane has the same bits whatever the magnitudes of the others are. On a CPU the bits of powers
    and sums depend on how many lanes there are, so each goes by itself (`by_lane`).
    """

    @wraps(term)
    def of_any(canvas: Tensor, prior: Prior) -> tuple[Tensor, Tensor]:
        count, alike = len(canvas), len(set(prior.magnitudes)) == 1
        if count == 1 or (alike and canvas.device.type != "cpu"):
            return term(canvas, prior)
        single = (slice(lane, lane + 1) for lane in range(count))
        values, slopes = zip(*(term(canvas[one], prior.of(one)) for one in single), strict=True)
        return torch.cat(values), torch.cat(slopes)

    return of_any


@_lanes_alike
def alpha_norm(canvas: Tensor, prior: Prior) -> tuple[Tensor, Tensor]:
    """Σ (|x| / B)^α, and its gradient.

    Of each channel by itself: Mahendran & Vedaldi 2015, section 3. Isotropic, of the colour vector
    of each pixel: 2016, eq. 5.

    Returns:
        `(lanes,)` and the canvas' shape.
    """
    isotropic = prior.magnitudes[0].isotropic
    squares = square_lengths(canvas) if isotropic else canvas.square()
    value, slope = _power_sum(squares, prior)
    return value, slope * canvas


@_lanes_alike
def total_variation(canvas: Tensor, prior: Prior) -> tuple[Tensor, Tensor]:
    """Σ ((dx² + dy²)^{1/2} / V)^β over pixels and channels, and its gradient.

    Forward differences with replicate boundary: the last column has dx = 0, the last row dy = 0
    (Mahendran & Vedaldi 2015, eq. 3; 2016).

    Returns:
        `(lanes,)` and the canvas' shape.
    """
    across = canvas[..., 1:] - canvas[..., :-1]
    down = canvas[..., 1:, :] - canvas[..., :-1, :]
    if prior.inside is not None:
        across *= prior.inside[..., 1:]
        down *= prior.inside[..., 1:, :]
    if prior.magnitudes[0].exponent == QUADRATIC:
        return _quadratic_variation(canvas, across, down, prior)
    squares = torch.zeros_like(canvas)
    squares[..., :-1] = across.square()
    squares[..., :-1, :] += down.square()
    if prior.magnitudes[0].isotropic:
        squares = squares.sum(dim=1, keepdim=True)
    value, slope = _power_sum(squares, prior)
    across *= slope[..., :-1]
    down *= slope[..., :-1, :]
    return value, _less_divergence(canvas, across, down)


def _quadratic_variation(
    canvas: Tensor, across: Tensor, down: Tensor, prior: Prior
) -> tuple[Tensor, Tensor]:
    """With β = 2, where rows and columns have nothing to do with each other."""
    squares = [(each * each).flatten(1).sum(1) for each in (across, down)]
    scale2 = prior.scale.square()
    gradient = _less_divergence(canvas, across, down)
    return (squares[0] + squares[1]) / scale2, gradient.mul_(per_lane(2 / scale2, canvas))


def _less_divergence(like: Tensor, across: Tensor, down: Tensor) -> Tensor:
    """What differences that pull at both of their ends come to, `(lanes, channels, …)`."""
    pull = torch.zeros_like(like)
    pull[..., 1:] += across
    pull[..., :-1] -= across
    pull[..., 1:, :] += down
    pull[..., :-1, :] -= down
    return pull


PRIORS: dict[str, Term] = {
    "alpha_norm": alpha_norm,
    "total_variation": total_variation,
}
"""By the name that settings, curves and reports have for it, in the order of the curve's columns.
A new prior is one more entry here and in `Settings.priors`."""


def _power_sum(squares: Tensor, prior: Prior) -> tuple[Tensor, Tensor]:
    """Σ s^{e/2} with s = |v|² / scale², and `e/scale² · s^{e/2−1}`: its slope along v, over v."""
    exponent = prior.magnitudes[0].exponent
    scale2 = per_lane(prior.scale.square(), squares)
    squares = squares / scale2
    slope = exponent / scale2
    if exponent == QUADRATIC:
        return squares.flatten(1).sum(1), slope
    power = squares.clamp(min=_EPSILON).pow(exponent / 2 - 1)
    return (squares * power).flatten(1).sum(1), power * slope
