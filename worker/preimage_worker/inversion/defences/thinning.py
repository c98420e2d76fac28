"""Stages that leave parts of a code out: fine detail, positions, channels."""

import math
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor
from torch.nn import functional

from preimage_worker.inversion.counter import hash64
from preimage_worker.inversion.defences.stage import Form, Map, Statistics
from preimage_worker.inversion.errors import DefenceError
from preimage_worker.inversion.representations.layouts import Layout
from preimage_worker.inversion.settings import require

_STREAM = 0x44524F50  # keeps these draws apart from others' counters
_MOST_SEED = 2**63 - 1
_POSITIONS: dict[Layout, tuple[int, ...]] = {
    Layout.CHANNELS_FIRST: (1, 2),
    Layout.CHANNELS_LAST: (0, 1),
    Layout.TOKENS: (0,),
}
_CHANNELS: dict[Layout, tuple[int, ...]] = {
    Layout.CHANNELS_FIRST: (0,),
    Layout.CHANNELS_LAST: (2,),
    Layout.TOKENS: (1,),
    Layout.VECTOR: (0,),
}


@final
@dataclass(frozen=True)
class Pool(Map):
    """Means over blocks of k × k positions; blocks at the far ends may be smaller."""

    k: int
    """Of the code's positions, each way."""

    name: ClassVar[str] = "pool"

    def __post_init__(self) -> None:
        require("pool:k", self.k, 2, 4096)

    def fit(self, codes: Tensor, form: Form, key: int) -> Statistics:  # noqa: ARG002
        """Nothing."""
        axes = _POSITIONS.get(form.layout, ())
        if len(axes) != 2 or min(form.shape[axis] for axis in axes) < self.k:  # noqa: PLR2004 - rows and columns
            raise DefenceError(
                f"pool with k={self.k} needs a code with at least as many rows and columns; this "
                f"one has the shape {form.shape} ({form.layout.value})."
            )
        return {}

    def after(self, form: Form, statistics: Statistics) -> Form:  # noqa: ARG002
        """The same layout, with fewer positions."""
        positions = _POSITIONS[form.layout]
        sides = (
            math.ceil(side / self.k) if axis in positions else side
            for axis, side in enumerate(form.shape)
        )
        return Form(tuple(sides), form.layout)

    def apply(self, codes: Tensor, form: Form, statistics: Statistics) -> Tensor:  # noqa: ARG002
        """Blocks' means."""
        axis = 1 + _CHANNELS[form.layout][0]
        pooled = functional.avg_pool2d(codes.movedim(axis, 1), self.k, ceil_mode=True)
        return pooled.movedim(1, axis)

    def lift(self, released: Tensor, form: Form, statistics: Statistics) -> Tensor:  # noqa: ARG002
        """Every position with its block's mean."""
        for axis in _POSITIONS[form.layout]:
            repeated = released.repeat_interleave(self.k, 1 + axis)
            released = repeated.narrow(1 + axis, 0, form.shape[axis])
        return released

    def longest(self, limit: float, statistics: Statistics) -> float:  # noqa: ARG002
        """A block's mean is no longer than the block."""
        return limit


@dataclass(frozen=True)
class _Drop(Map):
    """Zeros in the places that a seed has drawn, the same for all pictures."""

    fraction: float
    """Of the places, that is left out; at least one place is kept."""
    seed: int = 0
    """Everybody knows it: the zeros show it."""

    axes: ClassVar[dict[Layout, tuple[int, ...]]]
    """That a place stands for, by layout."""

    def __post_init__(self) -> None:
        require(f"{self.name}:fraction", self.fraction, 0, 1)
        require(f"{self.name}:seed", self.seed, 0, _MOST_SEED)

    def fit(self, codes: Tensor, form: Form, key: int) -> Statistics:  # noqa: ARG002
        """Which places are kept, 0 or 1."""
        axes = self.axes.get(form.layout)
        if axes is None:
            raise DefenceError(
                f"{self.name} is not for codes of the shape {form.shape} ({form.layout.value}); "
                f"it needs one of: {'; '.join(layout.value for layout in self.axes)}."
            )
        sides = [form.shape[axis] if axis in axes else 1 for axis in range(len(form.shape))]
        places = math.prod(sides)
        generator = torch.Generator().manual_seed(hash64(self.seed, places, _STREAM) >> 1)
        kept = torch.zeros(places)
        number = max(1, places - round(self.fraction * places))
        kept[torch.randperm(places, generator=generator)[:number]] = 1
        return {"kept": kept.reshape(sides).to(codes.device)}

    def after(self, form: Form, statistics: Statistics) -> Form:  # noqa: ARG002
        """The same."""
        return form

    def apply(self, codes: Tensor, form: Form, statistics: Statistics) -> Tensor:  # noqa: ARG002
        """Zeros in place."""
        return codes * statistics["kept"]

    def lift(self, released: Tensor, form: Form, statistics: Statistics) -> Tensor:  # noqa: ARG002
        """As it is."""
        return released

    def longest(self, limit: float, statistics: Statistics) -> float:  # noqa: ARG002
        """No element grows."""
        return limit


@final
@dataclass(frozen=True)
class DropPositions(_Drop):
    """Zeros at some positions, or tokens, in all channels."""

    name: ClassVar[str] = "drop_positions"
    axes: ClassVar[dict[Layout, tuple[int, ...]]] = _POSITIONS


@final
@dataclass(frozen=True)
class DropChannels(_Drop):
    """Zeros in some channels, at all positions."""

    name: ClassVar[str] = "drop_channels"
    axes: ClassVar[dict[Layout, tuple[int, ...]]] = _CHANNELS
