"""Several representations of the same pictures as one, where they share no pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.representations.parts import Part, line_up


@final
@dataclass(frozen=True)
class Joined:
    """One vector of several codes, each flattened, in the order of `members`."""

    members: tuple[Representation, ...]
    """Layers of one model, so with the same channels and mean."""

    @property
    def model(self) -> str:
        """That of all members."""
        return self.members[0].model

    @property
    def layer(self) -> str:
        """The members' layers with "+" between."""
        return "+".join(member.layer for member in self.members)

    @property
    def channels(self) -> int:
        """Those of all members."""
        return self.members[0].channels

    @property
    def mean(self) -> tuple[float, ...]:
        """That of all members."""
        return self.members[0].mean

    def stride(self, height: int, width: int) -> float:
        """The coarsest member's."""
        return max(member.stride(height, width) for member in self.members)

    def code_shape(self, height: int, width: int) -> tuple[int, ...]:
        """One vector; raises what the members raise."""
        return (self.parts(height, width)[-1].where.stop,)

    def parts(self, height: int, width: int) -> tuple[Part, ...]:
        """Where each member's code lies; raises what the members raise."""
        shapes = [member.code_shape(height, width) for member in self.members]
        return line_up([member.layer for member in self.members], shapes)

    def __call__(self, canvas: Tensor) -> Tensor:
        """`(lanes, elements)` of canvases `(lanes, channels, height, width)`."""
        return torch.cat([member(canvas).flatten(1) for member in self.members], dim=1)


def join(members: Sequence[Representation]) -> Representation:
    """One representation of all members; a single one stays as it is."""
    return members[0] if len(members) == 1 else Joined(tuple(members))
