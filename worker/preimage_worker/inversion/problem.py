"""A problem: one code Φ₀ whose pre-image is wanted, with everything that may differ per lane."""

from dataclasses import dataclass, field
from typing import final

from torch import Tensor

from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.settings import Settings


@final
@dataclass(frozen=True)
class StopRule:
    """When a lane ends before its schedule does. The default runs the whole schedule."""

    target_error: float | None = None
    """End with `TARGET_REACHED` at the first boundary where the relative error
    `‖m∘(Φ(x) − Φ₀)‖ / ‖m∘Φ₀‖` is at most this."""
    plateau: float | None = None
    """A segment of the schedule ends early when the best objective of the last window is less than
    this fraction below the best objective before it; the lane ends with `CONVERGED` when that
    happens in its last segment. 0.01 means one per cent a window."""
    plateau_window_steps: int = 50
    """The window of `plateau`, in steps."""


@final
@dataclass(frozen=True, eq=False)
class Problem:
    """What one lane solves.

    Raises:
        NonFiniteTargetError: NaN or infinity in target or mask.
        ZeroTargetError: the masked target is zero everywhere.
        ShapeMismatchError: the mask does not broadcast to the target.
    """

    target: Tensor
    """Φ₀, without a lane axis: the shape `representation.code_shape(height, width)`; float32."""
    height: int
    """Of the picture, in pixels."""
    width: int
    """Of the picture, in pixels."""
    settings: Settings
    """From `presets.resolve`."""
    mask: Tensor | None = None
    """m: boolean or float, broadcast to the target; None weighs every element 1."""
    seed: int = 0
    """Any 64-bit integer; together with `restart` it decides start and jitter, nothing else does."""
    restart: int = 0
    """Number of this pre-image among several of the same code."""
    stop: StopRule = field(default_factory=StopRule)

    def check(self, representation: Representation) -> None:
        """Raise ShapeMismatchError unless target and picture size fit the representation."""
        raise NotImplementedError
