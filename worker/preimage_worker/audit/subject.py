"""What an audit needs to know of models: a few functions, wherever they come from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, final

from torch import Tensor

from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.representations.layouts import Layout

Scores = Callable[[Tensor], Tensor]
"""Of codes or canvases `(n, …)` the scores of classes, `(n, classes)`."""


class Subject(Protocol):
    """The model whose codes are to be shared."""

    @property
    def name(self) -> str:
        """Of the model."""
        ...

    @property
    def digest(self) -> str:
        """What tells this model with these weights from others."""
        ...

    def representation(self, layer: str) -> Representation:
        """Φ of a layer, for pictures of any size that the model takes."""
        ...

    def layout(self, layer: str) -> Layout | None:
        """What the axes of a layer's codes are; None where only their number is known."""
        ...

    def rest(self, layer: str) -> Scores | None:
        """The network behind a layer, from its codes to scores.

        None where the model does not classify, or the scores need more of the picture than this
        code.
        """
        ...


@final
@dataclass(frozen=True, eq=False)
class Independent:
    """A model of another architecture, to whose eyes reconstructions are shown."""

    name: str
    digest: str
    representation: Representation
    """Of the layer in which pictures are compared."""
    height: int
    """Of the pictures that it takes, in pixels; others are scaled."""
    width: int
    """The same."""
    classify: Scores | None = None
    """Of canvases; None where it does not classify."""
