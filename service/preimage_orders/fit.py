"""What a job is about: a layer of a model, and the size of the picture that goes into it."""

from dataclasses import dataclass
from typing import final

from preimage.v1.model_service_pb2 import Layer, Model


@final
@dataclass(frozen=True, slots=True)
class Size:
    """Extent of a picture in pixels."""

    height: int
    width: int

    def __str__(self) -> str:
        """As in batch keys: height first."""
        return f"{self.height}x{self.width}"

    @property
    def pixels(self) -> int:
        """How many there are."""
        return self.height * self.width


@final
@dataclass(frozen=True, slots=True)
class Fit:
    """A layer of a model, and the size of the picture that goes into it."""

    model: Model
    layer: Layer
    size: Size
