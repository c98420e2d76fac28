"""Stages that coarsen: what they give says where the value before it lay, and no more."""

import math
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor

from preimage_worker.inversion.defences.stage import Coarsening, Form, Statistics
from preimage_worker.inversion.objectives import Bounds
from preimage_worker.inversion.settings import require


@final
@dataclass(frozen=True)
class Quantise(Coarsening):
    """The nearest of 2^bits levels, evenly spaced over the range of other pictures' codes."""

    bits: int

    name: ClassVar[str] = "quantise"

    def __post_init__(self) -> None:
        require("quantise:bits", self.bits, 1, 16)

    def fit(self, codes: Tensor, form: Form, key: int) -> Statistics:  # noqa: ARG002
        """The lowest level and the distance between two, above 0."""
        low, high = codes.aminmax()
        step = (high - low) / (2**self.bits - 1)
        return {"lowest": low, "step": torch.where(step > 0, step, torch.ones_like(step))}

    def apply(self, codes: Tensor, statistics: Statistics) -> Tensor:
        """The levels' values; what is beyond the range gets the last level."""
        lowest, step = statistics["lowest"], statistics["step"]
        return self._number(codes, statistics) * step + lowest

    def known(self, bounds: Bounds, statistics: Statistics) -> Bounds:
        """From the cell of the lower to that of the upper bound; cells of the ends are open."""
        step, last = statistics["step"], 2**self.bits - 1
        first, end = (self._number(bound, statistics) for bound in bounds)
        low = (first - 0.5) * step + statistics["lowest"]
        high = (end + 0.5) * step + statistics["lowest"]
        return Bounds(
            low.masked_fill(first == 0, -torch.inf), high.masked_fill(end == last, torch.inf)
        )

    def lift(self, released: Tensor, form: Form, statistics: Statistics) -> Tensor:  # noqa: ARG002
        """As it is."""
        return released

    def longest(self, limit: float, statistics: Statistics) -> float:  # noqa: ARG002
        """Rounding may lengthen a code."""
        return math.inf

    def _number(self, codes: Tensor, statistics: Statistics) -> Tensor:
        """Of the level, from 0."""
        number = ((codes - statistics["lowest"]) / statistics["step"]).round()
        return number.clamp(0, 2**self.bits - 1)


@final
@dataclass(frozen=True)
class TopK(Coarsening):
    """The largest magnitudes of each code as they are, zero for the rest."""

    fraction: float
    """That is kept."""

    name: ClassVar[str] = "topk"

    def __post_init__(self) -> None:
        require("topk:fraction", self.fraction, 1e-6, 1)

    def fit(self, codes: Tensor, form: Form, key: int) -> Statistics:  # noqa: ARG002
        """Nothing."""
        return {}

    def apply(self, codes: Tensor, statistics: Statistics) -> Tensor:  # noqa: ARG002
        """Zeros in place."""
        flat = codes.flatten(1)
        kept = flat.abs().topk(self._kept(flat), dim=1).indices
        return torch.zeros_like(flat).scatter(1, kept, flat.gather(1, kept)).reshape(codes.shape)

    def known(self, bounds: Bounds, statistics: Statistics) -> Bounds:  # noqa: ARG002
        """What is not zero is exact; the rest is no larger than the smallest that was kept."""
        largest = torch.maximum(bounds.low.abs(), bounds.high.abs()).flatten(1)
        rank = largest.shape[1] - self._kept(largest) + 1
        smallest_kept = largest.kthvalue(rank, dim=1).values
        return _unless_zero(bounds, smallest_kept.reshape(-1, *(1,) * (bounds.low.ndim - 1)))

    def lift(self, released: Tensor, form: Form, statistics: Statistics) -> Tensor:  # noqa: ARG002
        """As it is."""
        return released

    def longest(self, limit: float, statistics: Statistics) -> float:  # noqa: ARG002
        """No element grows."""
        return limit

    def _kept(self, flat: Tensor) -> int:
        return max(1, round(self.fraction * flat.shape[1]))


@final
@dataclass(frozen=True)
class Prune(Coarsening):
    """Zero for every magnitude below a threshold, which other pictures' codes decide."""

    fraction: float
    """Of the elements of other pictures' codes that the threshold sets to zero."""

    name: ClassVar[str] = "prune"

    def __post_init__(self) -> None:
        require("prune:fraction", self.fraction, 0, 1 - 1e-6)

    def fit(self, codes: Tensor, form: Form, key: int) -> Statistics:  # noqa: ARG002
        """The threshold."""
        magnitudes = codes.abs().flatten()
        # Not torch.quantile, which refuses more than 16 million elements.
        rank = min(magnitudes.numel(), round(self.fraction * magnitudes.numel()) + 1)
        return {"threshold": magnitudes.kthvalue(rank).values}

    def apply(self, codes: Tensor, statistics: Statistics) -> Tensor:
        """Zeros in place."""
        return torch.where(codes.abs() < statistics["threshold"], 0, codes)

    def known(self, bounds: Bounds, statistics: Statistics) -> Bounds:
        """What is not zero is exact; the rest is no larger than the threshold."""
        return _unless_zero(bounds, statistics["threshold"])

    def lift(self, released: Tensor, form: Form, statistics: Statistics) -> Tensor:  # noqa: ARG002
        """As it is."""
        return released

    def longest(self, limit: float, statistics: Statistics) -> float:  # noqa: ARG002
        """No element grows."""
        return limit


@final
@dataclass(frozen=True)
class Sign(Coarsening):
    """−1, 0 or 1."""

    name: ClassVar[str] = "sign"

    def fit(self, codes: Tensor, form: Form, key: int) -> Statistics:  # noqa: ARG002
        """The mean magnitude of what is not zero; 1 where all is."""
        sums = [code.abs().double().sum() for code in codes]  # in float64 one at a time
        mean = torch.stack(sums).sum() / codes.count_nonzero().clamp(min=1)
        return {"magnitude": torch.where(mean > 0, mean, 1).float()}

    def apply(self, codes: Tensor, statistics: Statistics) -> Tensor:  # noqa: ARG002
        """The signs."""
        return codes.sign()

    def known(self, bounds: Bounds, statistics: Statistics) -> Bounds:  # noqa: ARG002
        """The half-line of a sign, zero of a zero, everything where the sign is not certain."""
        zero = torch.zeros_like(bounds.low)
        return Bounds(
            zero.masked_fill(bounds.low < 0, -torch.inf),
            zero.masked_fill(bounds.high > 0, torch.inf),
        )

    def lift(self, released: Tensor, form: Form, statistics: Statistics) -> Tensor:  # noqa: ARG002
        """Signs times the mean magnitude."""
        return released * statistics["magnitude"]

    def longest(self, limit: float, statistics: Statistics) -> float:  # noqa: ARG002
        """Signs of the shortest code may be long."""
        return math.inf


def _unless_zero(bounds: Bounds, most: Tensor) -> Bounds:
    """The bounds; where they allow zero, widened to all magnitudes up to `most`."""
    zero = (bounds.low <= 0) & (bounds.high >= 0)
    return Bounds(
        torch.where(zero, torch.minimum(bounds.low, -most), bounds.low),
        torch.where(zero, torch.maximum(bounds.high, most), bounds.high),
    )
