"""How deep a representation looks: what the solver and its start go by.

Shallow layers hold fine structure. There the start is white noise, since max pools of a smooth
picture all look at the same places; and fine structure is sought from the beginning. Deep ones hold
coarse structure, and what they leave open shall be smooth. The limits were found on SqueezeNet 1.0
(docs/explanation/solver.md).
"""

from dataclasses import dataclass
from typing import final

from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.representations.relaxed import Relaxable

_FINE_RECTIFIERS, _FINE_STRIDE, _COARSE_STRIDE = 8, 8.0, 16.0
_COLOURS = 3
_FINEST_RECTIFIERS = 2


@final
@dataclass(frozen=True)
class Traits:
    """Of a representation of pictures of one size."""

    stride: float = 1.0
    """Pixels per step of the code's grid."""
    rectifiers: int = 0
    """Rectifiers and max pools on the longest way to the code; 0 where nothing is known."""
    coloured: bool = False
    """Whether its pictures have three channels."""
    leak: float = 0.0
    """Share of the gradient that silent units pass at first; see `representations.relaxed`."""

    @property
    def fine(self) -> bool:
        """Whether it is a shallow layer of a rectified network, behind more than one rectifier.

        A single one leaves an almost convex problem, for which any start will do.
        """
        return 1 < self.rectifiers <= _FINE_RECTIFIERS and self.stride <= _FINE_STRIDE

    @property
    def finest(self) -> bool:
        """Whether it is one of the first layers: two rectifiers, or one and a pool."""
        return self.fine and self.rectifiers <= _FINEST_RECTIFIERS

    @property
    def coarseness(self) -> float:
        """Of the code's grid, from 0 (fine) to 1."""
        return min(max((self.stride - _FINE_STRIDE) / (_COARSE_STRIDE - _FINE_STRIDE), 0.0), 1.0)


def traits_of(representation: Representation, height: int, width: int) -> Traits:
    """The traits of a representation of pictures of this size."""
    stride, coloured = representation.stride(height, width), representation.channels == _COLOURS
    if not isinstance(representation, Relaxable):
        return Traits(stride, 0, coloured)
    return Traits(stride, representation.rectifiers, coloured, representation.leak)
