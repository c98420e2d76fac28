"""Stages that keep some directions of the space of codes: principal ones, or random ones."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor

from preimage_worker.inversion.counter import hash64
from preimage_worker.inversion.defences.stage import Form, Map, Statistics
from preimage_worker.inversion.errors import DefenceError
from preimage_worker.inversion.representations.layouts import Layout
from preimage_worker.inversion.settings import require

_STREAM = 0x50524F4A  # keeps these draws apart from others' counters


@final
@dataclass(frozen=True)
class Pca(Map):
    """Coefficients in the principal components of other pictures' codes.

    Exactly one of the two says how many.
    """

    components: int | None = None
    """Their number."""
    variance: float | None = None
    """The fraction of the variance that they must explain together."""

    name: ClassVar[str] = "pca"

    def __post_init__(self) -> None:
        if (self.components is None) == (self.variance is None):
            raise DefenceError(
                "pca takes either components or variance; write pca:components=64 or "
                "pca:variance=0.95."
            )
        if self.components is not None:
            require("pca:components", self.components, 1, 1_000_000)
        if self.variance is not None:
            require("pca:variance", self.variance, 1e-6, 1)

    def fit(self, codes: Tensor, form: Form, key: int) -> Statistics:  # noqa: ARG002
        """Mean and components, `(components, elements)`, by the Gram matrix: codes are long."""
        flat = codes.flatten(1).double()
        mean = flat.mean(0)
        centred = flat - mean
        values, vectors = torch.linalg.eigh(centred @ centred.T)
        values, vectors = values.flip(0), vectors.flip(1)
        real = int((values > values[0].clamp(min=1e-30) * 1e-10).sum())
        number = self._number(values[:real], len(codes))
        components = (vectors[:, :number] / values[:number].sqrt()).T @ centred
        return {"mean": mean.float(), "components": components.float()}

    def after(self, form: Form, statistics: Statistics) -> Form:  # noqa: ARG002
        """A vector."""
        return Form((len(statistics["components"]),), Layout.VECTOR)

    def apply(self, codes: Tensor, form: Form, statistics: Statistics) -> Tensor:  # noqa: ARG002
        """`(pictures, components)`."""
        return (codes.flatten(1) - statistics["mean"]) @ statistics["components"].T

    def lift(self, released: Tensor, form: Form, statistics: Statistics) -> Tensor:
        """What the components make of the coefficients."""
        flat = released @ statistics["components"] + statistics["mean"]
        return flat.reshape(-1, *form.shape)

    def longest(self, limit: float, statistics: Statistics) -> float:
        """Distances do not grow; the mean is taken off."""
        return limit + float(statistics["mean"].norm())

    def _number(self, values: Tensor, pictures: int) -> int:
        if self.variance is not None:
            explained = values.cumsum(0) / values.sum()
            short = int((explained < self.variance - 1e-9).sum())
            return min(short + 1, len(values)) or self._refuse(pictures, 0)
        number = self.components or 0
        return number if number <= len(values) else self._refuse(pictures, len(values))

    def _refuse(self, pictures: int, there: int) -> int:
        raise DefenceError(
            f"The codes of {pictures} auxiliary pictures have {there} principal components, and "
            f"pca asks for {self.components or 1}; use fewer components, or more pictures."
        )


@final
@dataclass(frozen=True)
class Projection(Map):
    """Coefficients in random directions, orthonormal."""

    dimensions: int
    """Number of directions."""
    keyed: bool = False
    """Whether only the owner knows the directions."""

    name: ClassVar[str] = "projection"

    def __post_init__(self) -> None:
        require("projection:dimensions", self.dimensions, 1, 1_000_000)

    def fit(self, codes: Tensor, form: Form, key: int) -> Statistics:  # noqa: ARG002
        """The directions, `(dimensions, elements)`, decided by the key alone."""
        elements = codes[0].numel()
        if self.dimensions > elements:
            raise DefenceError(
                f"projection asks for {self.dimensions} dimensions of codes that have {elements} "
                "elements; use at most as many."
            )
        secret = hash64(key if self.keyed else 0, self.keyed, self.dimensions, _STREAM)
        generator = torch.Generator().manual_seed(secret >> 1)
        drawn = torch.randn(elements, self.dimensions, generator=generator, dtype=torch.float64)
        return {"directions": torch.linalg.qr(drawn).Q.T.float().contiguous().to(codes.device)}

    def after(self, form: Form, statistics: Statistics) -> Form:  # noqa: ARG002
        """A vector."""
        return Form((self.dimensions,), Layout.VECTOR)

    def apply(self, codes: Tensor, form: Form, statistics: Statistics) -> Tensor:  # noqa: ARG002
        """`(pictures, dimensions)`."""
        return codes.flatten(1) @ statistics["directions"].T

    def lift(self, released: Tensor, form: Form, statistics: Statistics) -> Tensor:
        """The shortest code that has these coefficients."""
        return (released @ statistics["directions"]).reshape(-1, *form.shape)

    def longest(self, limit: float, statistics: Statistics) -> float:  # noqa: ARG002
        """No code grows."""
        return limit
