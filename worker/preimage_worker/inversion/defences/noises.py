"""Noise: Gaussian, and Laplace's."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor

from preimage_worker.inversion.defences.stage import Noise


@final
@dataclass(frozen=True)
class Gaussian(Noise):
    """Normal noise."""

    name: ClassVar[str] = "gaussian"
    information: ClassVar[float] = 1.0

    def draw(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Of variance 1."""
        return torch.randn(shape, generator=generator)


@final
@dataclass(frozen=True)
class Laplace(Noise):
    """Noise of density exp(−|n| / b) / 2b, whose variance is 2b²."""

    name: ClassVar[str] = "laplace"
    information: ClassVar[float] = 2.0

    def draw(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Of variance 1: the difference of two exponential variables, whose variances are 1."""
        one, other = torch.empty(2, *shape).exponential_(generator=generator)
        drawn: Tensor = (one - other) * 0.5**0.5
        return drawn
