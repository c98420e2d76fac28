"""Restarts that keep apart: what a code leaves open, shown on purpose.

The only place where lanes meet, and only those that share one `Repulsion`: the restarts of one
code. While a lane's relative error is within the budget, its gradient has in addition that of

    − weight · mean over the others of mean (x − x')² / (100 grey levels)²

and above the budget it rests, so that the lane comes back. It acts in all segments of a schedule
but the last, in which pictures settle; it is not in the objective that is reported.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import torch
from torch import Tensor

from preimage_worker.inversion.settings import require

_UNIT = 100.0**2  # squared grey levels that weigh 1


@final
@dataclass(frozen=True, eq=False)
class Repulsion:
    """Shared by the problems that are to differ: it is one and the same object for all of them."""

    error_budget: float
    """Relative error up to which a lane is pushed."""
    weight: float = 1.0
    """Of the term."""

    def __post_init__(self) -> None:
        require("the error budget", self.error_budget, 1e-9, 1e6)
        require("the weight of the repulsion", self.weight, 0, 1e30)


class Circle(NamedTuple):
    """Lanes that repel each other now."""

    lanes: tuple[int, ...]
    repulsion: Repulsion


def circles(repulsions: Sequence[Repulsion | None]) -> tuple[Circle, ...]:
    """The lanes by what they share; a lane without others is in none.

    Args:
        repulsions: of each lane, None where it is not pushed now.
    """
    found: dict[int, list[int]] = {}
    for lane, repulsion in enumerate(repulsions):
        if repulsion is not None:
            found.setdefault(id(repulsion), []).append(lane)
    return tuple(
        Circle(tuple(lanes), repulsion)
        for lanes in found.values()
        if len(lanes) > 1 and (repulsion := repulsions[lanes[0]]) is not None
    )


def push(gradient: Tensor, canvas: Tensor, errors: Tensor, together: Sequence[Circle]) -> Tensor:
    """The gradient with what pushes the lanes of each circle apart.

    Args:
        gradient: `(lanes, channels, height, width)`.
        canvas: of the same shape; lanes of a circle have canvases of one size.
        errors: relative, `(lanes,)`.
        together: the circles.
    """
    if not together:
        return gradient
    pushed = gradient.clone()
    for lanes, repulsion in together:
        index = torch.tensor(lanes, device=canvas.device)
        own = canvas[index]
        within = (errors[index] <= repulsion.error_budget).to(own.dtype)
        away = own - (own.sum(0, keepdim=True) - own) / (len(lanes) - 1)
        scale = 2 * repulsion.weight / (_UNIT * own[0].numel())
        pushed[index] -= scale * within[:, None, None, None] * away
    return pushed
