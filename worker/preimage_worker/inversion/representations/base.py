"""What can be inverted: any function from a picture to a code that torch can differentiate.

The idea: the inversion never sees a model, only a callable over canvases. A canvas is a float32
tensor `(lanes, channels, height, width)` in grey levels 0..255 *minus the representation's mean*,
so that zero is the mean picture and priors need no knowledge of the network's preprocessing.
"""

from typing import Protocol

from torch import Tensor


class Representation(Protocol):
    """Φ. Pure: the same canvas gives the same code, and lanes do not touch each other."""

    @property
    def model(self) -> str:
        """The model's name: "alexnet", "hog"; presets look their tables up by it."""
        ...

    @property
    def layer(self) -> str:
        """The node that the code is read from: "features.4"; the model's name where it has one."""
        ...

    @property
    def channels(self) -> int:
        """Of the canvas: 3 for colour, 1 for grey."""
        ...

    @property
    def mean(self) -> tuple[float, ...]:
        """Per channel, in grey levels 0..255; canvas + mean is the picture."""
        ...

    def stride(self, height: int, width: int) -> float:
        """Pixels per step of the code's grid for a picture of this size; 1 without a grid."""
        ...

    def code_shape(self, height: int, width: int) -> tuple[int, ...]:
        """Shape of the code of one picture of this size, without the lane axis.

        Raises:
            PictureTooSmallError: a picture of this size has no code.
        """
        ...

    def __call__(self, canvas: Tensor) -> Tensor:
        """The codes `(lanes, *code_shape)` of canvases `(lanes, channels, height, width)`.

        Canvases come on the device that the representation was made for.
        """
        ...


class Formula(Representation, Protocol):
    """A representation without weights: pictures of any size, codes of a regular grid of cells."""

    @property
    def smallest_side(self) -> int:
        """Of a picture that has a code, in pixels."""
        ...

    @property
    def grid_offset(self) -> int:
        """A side of n pixels has (n + grid_offset) // stride rows or columns of the code."""
        ...
