"""The data term: how far the code of a canvas is from the target, per lane.

Value and cotangent in closed form, so that the only thing that autograd differentiates is the
representation itself. Each lane is normalised by its own target, never by a mean over the batch.
"""

from typing import NamedTuple

from torch import Tensor
from torch.linalg import vector_norm


class Target(NamedTuple):
    """The targets of all lanes."""

    code: Tensor
    """Φ₀, `(lanes, *code_shape)`, float32."""
    mask: Tensor | None
    """m, of the same shape; None where no lane has one."""
    energy: Tensor
    """‖m∘Φ₀‖², `(lanes,)`, above 0."""

    def of(self, lanes: slice) -> "Target":
        """The targets of some lanes; views."""
        mask = None if self.mask is None else self.mask[lanes]
        return Target(self.code[lanes], mask, self.energy[lanes])


def data_term(codes: Tensor, target: Target, weight: Tensor) -> tuple[Tensor, Tensor]:
    """‖m∘(Φ − Φ₀)‖² / ‖m∘Φ₀‖², and the derivative by Φ of `weight` times that.

    Mahendran & Vedaldi 2015 and 2016, with the mask inside the loss as in their released code.

    Args:
        codes: Φ(x), `(lanes, *code_shape)`, any float dtype.
        target: what the codes should be.
        weight: C, `(lanes,)`.

    Returns:
        `(lanes,)` and `(lanes, *code_shape)`, both float32.
    """
    residual = codes.float() - target.code
    if target.mask is not None:
        residual *= target.mask
    squares = vector_norm(residual.flatten(1), dim=1).square() / target.energy
    if target.mask is not None:
        residual *= target.mask
    scale = 2 * weight / target.energy
    return squares, residual.mul_(scale.reshape(-1, *(1,) * (residual.ndim - 1)))
