"""A representation behind a defence, as an attacker who knows the defence inverts it."""

from dataclasses import dataclass
from typing import final

from torch import Tensor

from preimage_worker.inversion.defences.fitted import Fitted
from preimage_worker.inversion.errors import ShapeMismatchError
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.representations.relaxed import Relaxable, relax


@final
@dataclass(frozen=True, eq=False)
class Defended:
    """D̃∘Φ. Lanes of one defence share a batch; what it leaves open is in each lane's bounds."""

    inner: Representation
    """Φ."""
    defence: Fitted
    """Fitted to Φ's codes of the same picture size, on Φ's device."""

    @property
    def model(self) -> str:
        """Φ's."""
        return self.inner.model

    @property
    def layer(self) -> str:
        """Φ's."""
        return self.inner.layer

    @property
    def channels(self) -> int:
        """Φ's."""
        return self.inner.channels

    @property
    def mean(self) -> tuple[float, ...]:
        """Φ's."""
        return self.inner.mean

    def stride(self, height: int, width: int) -> float:
        """Φ's: it says how deep Φ looks, which no defence changes."""
        return self.inner.stride(height, width)

    def code_shape(self, height: int, width: int) -> tuple[int, ...]:
        """Of D̃∘Φ.

        Raises:
            ShapeMismatchError: the defence was fitted to codes of another shape.
        """
        given, wanted = self.inner.code_shape(height, width), self.defence.form.shape
        if given != wanted:
            raise ShapeMismatchError(
                f"The defence was fitted to codes of the shape {wanted}, but layer "
                f"{self.layer!r} of {self.model} gives {given} for pictures of {height}×{width} "
                "pixels; fit it to codes of that layer and size."
            )
        return self.defence.smooth_shape

    def __call__(self, canvas: Tensor) -> Tensor:
        """`(lanes, *code_shape)` of canvases `(lanes, channels, height, width)`."""
        return self.defence.smooth(self.inner(canvas))

    @property
    def rectifiers(self) -> int:
        """Φ's, where it knows them."""
        return self.inner.rectifiers if isinstance(self.inner, Relaxable) else 0

    @property
    def leak(self) -> float:
        """Φ's, where it has one."""
        return self.inner.leak if isinstance(self.inner, Relaxable) else 0.0

    def relaxed(self, canvas: Tensor, leak: Tensor) -> Tensor:
        """The same codes, with Φ's relaxed gradients."""
        return self.defence.smooth(relax(self.inner, canvas, leak))
