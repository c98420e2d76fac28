"""The data term ℓ: how far the code of a canvas is from the target, per lane.

Value and cotangent in closed form, so that the only thing that autograd differentiates is the
representation itself. Each lane is normalised by its own target, never by a mean over the batch.

Every loss sees m∘Φ and m∘Φ₀ alone, so that one table of weights m ≥ 0 serves for subsets of a code
(0 and 1), for codes of known noise (m = 1/√v, the Mahalanobis distance) and for several layers in
one code (m_l = √(w_l) / ‖Φ₀_l‖, a weighted mean of the layers' own terms).

Where a code is known in bounds only, the squared loss has a dead zone: what lies within them is
right, and what does not is pulled to the nearer one. With equal bounds it is the plain loss.
"""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor
from torch.linalg import vector_norm

from preimage_worker.inversion.settings import Loss

_IMAGE_AXES, _ROW = 4, 1024
_SHORTEST = 1e-6
"""Of the target's norm: codes that are shorter have no direction."""


class Bounds(NamedTuple):
    """Where every element of a code is known to lie; ±infinity where that side is open."""

    low: Tensor
    """Of the code's shape, float32."""
    high: Tensor
    """Of the same shape, nowhere below `low`."""


class Target(NamedTuple):
    """The targets of all lanes."""

    code: Tensor
    """Φ₀, `(lanes, *code_shape)`, float32."""
    mask: Tensor | None
    """m, of the same shape; None where no lane has one."""
    energy: Tensor
    """What the term is divided by, `(lanes,)`, above 0: ‖m∘Φ₀‖², or a `Problem.scale`."""
    bounds: Bounds | None = None
    """Of all lanes, `(lanes, *code_shape)`; None where every lane knows its code exactly."""

    def of(self, lanes: slice) -> "Target":
        """The targets of some lanes; views."""
        return self.like_codes(lambda each: each[lanes])._replace(energy=self.energy[lanes])

    def like_codes(self, change: Callable[[Tensor], Tensor]) -> "Target":
        """The targets with all that has a code's shape changed."""
        mask = None if self.mask is None else change(self.mask)
        bounds = self.bounds and Bounds(*map(change, self.bounds))
        return Target(change(self.code), mask, self.energy, bounds)


class DataTerm(NamedTuple):
    """The data term of all lanes, float32."""

    value: Tensor
    """ℓ, `(lanes,)`, not weighted."""
    cotangent: Tensor
    """The derivative of weight · ℓ by Φ, `(lanes, *code_shape)`."""
    achieved: Tensor
    """The relative error ‖m∘(Φ − Φ₀)‖ / ‖m∘Φ₀‖, `(lanes,)`; of Loss.INNER the activation −ℓ.

    Where Φ₀ has bounds, the distance to them instead of that to Φ₀."""


def data_term(codes: Tensor, target: Target, weight: Tensor, loss: Loss = Loss.SQUARED) -> DataTerm:
    """The data term of `loss`, with a mask inside as in Mahendran & Vedaldi's released code.

    Args:
        codes: Φ(x), `(lanes, *code_shape)`, any float dtype.
        target: what the codes should be.
        weight: C, `(lanes,)`.
        loss: ℓ.
    """
    return _LOSSES[loss](codes.float(), target, weight)


def _squared(codes: Tensor, target: Target, weight: Tensor) -> DataTerm:
    """‖m∘(Φ − Φ₀)‖² / ‖m∘Φ₀‖²: Mahendran & Vedaldi 2015 and 2016; with bounds, see `missed`."""
    residual = _masked(missed(codes, target), target)
    squares = _square_sum(residual) / target.energy
    scale = _lanes(2 * weight / target.energy, codes)
    return DataTerm(squares, _masked(residual, target).mul_(scale), squares.sqrt())


def _cosine(codes: Tensor, target: Target, weight: Tensor) -> DataTerm:
    """1 − ⟨a, b⟩ / (‖a‖ ‖b‖) with a = m∘Φ, b = m∘Φ₀; by a: (⟨a, b⟩ a / ‖a‖² − b) / (‖a‖ ‖b‖)."""
    ours, theirs = _masked(codes.clone(), target), _masked(target.code.clone(), target)
    wanted = target.energy.sqrt()
    distance = vector_norm((ours - theirs).flatten(1), dim=1)
    length = vector_norm(ours.flatten(1), dim=1).maximum(_SHORTEST * wanted)
    inner = (ours * theirs).flatten(1).sum(1)
    value = 1 - inner / (length * wanted)
    slope = ours.mul_(_lanes(inner / length.square(), codes)).sub_(theirs)
    slope = _masked(slope, target).mul_(_lanes(weight / (length * wanted), codes))
    return DataTerm(value, slope, distance / wanted)


def _inner(codes: Tensor, target: Target, weight: Tensor) -> DataTerm:
    """−⟨m∘Φ, m∘Φ₀⟩ / scale: Mahendran & Vedaldi 2016, maximisation and caricature."""
    direction = _masked(_masked(target.code.clone(), target), target)
    activation = (codes * direction).flatten(1).sum(1) / target.energy
    slope = direction.mul_(_lanes(-weight / target.energy, codes))
    return DataTerm(-activation, slope, activation)


_LOSSES: dict[Loss, Callable[[Tensor, Target, Tensor], DataTerm]] = {
    Loss.SQUARED: _squared,
    Loss.COSINE: _cosine,
    Loss.INNER: _inner,
}


def missed(codes: Tensor, target: Target) -> Tensor:
    """Φ − Φ₀, without the mask; where Φ₀ has bounds, Φ less the nearest code within them."""
    if target.bounds is None:
        return codes - target.code
    return codes - codes.clamp(*target.bounds)


def _square_sum(values: Tensor) -> Tensor:
    """‖v‖² of each lane, as the values lie in memory.

    A CPU's norm in float32 adds one square to the next, and of a million the last ones hardly count
    any more: it is 3e-5 too low. So it is taken of short rows, whose squares `sum` adds in pairs.
    """
    channels_last = values.ndim == _IMAGE_AXES and not values.is_contiguous()
    flat = (values.permute(0, 2, 3, 1) if channels_last else values).flatten(1)
    count = flat.shape[1] // _ROW
    rows = flat[:, : count * _ROW].reshape(len(flat), count, _ROW)
    rest = vector_norm(flat[:, count * _ROW :], dim=1)
    total: Tensor = vector_norm(rows, dim=2).square().sum(1) + rest.square()
    return total


def _masked(values: Tensor, target: Target) -> Tensor:
    """m∘values, in place."""
    return values if target.mask is None else values.mul_(target.mask)


def _lanes(numbers: Tensor, like: Tensor) -> Tensor:
    return numbers.reshape(-1, *(1,) * (like.ndim - 1))
