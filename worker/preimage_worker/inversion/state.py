"""The running batch as the device knows it: tensors with a leading lane axis.

Nothing here changes a tensor in place, so an old state stays valid beside a new one.
"""

from collections.abc import Sequence
from operator import is_
from typing import NamedTuple

import torch
from torch import Tensor

from preimage_worker.inversion.by_lane import joined
from preimage_worker.inversion.objectives import Bounds, Target
from preimage_worker.inversion.optimisers.transform import Buffers, Transform
from preimage_worker.inversion.problem import Problem


class Lanes(NamedTuple):
    """State of all lanes."""

    canvas: Tensor
    """x, `(lanes, channels, rows, columns)`: the picture and room for jitter below and right.

    A lane that does not jitter (any more) has its picture in the upper left corner.
    """
    kept: Tensor
    """The last canvas whose objective was measured and finite; of families that descend, the best
    one."""
    best: Tensor
    """`(lanes,)`: the lowest objective so far, of families that descend; else infinity."""
    alive: Tensor
    """`(lanes,)`, false once an objective was not finite."""
    buffers: Buffers
    """The optimiser's."""
    target: Target
    """What the codes should be."""


def new_lanes(
    problems: Sequence[Problem], canvas: Tensor, transform: Transform, device: torch.device
) -> Lanes:
    """Lanes at step 0 on `device`, with the canvases of `canvas` (any device)."""
    canvas = canvas.to(device)
    return Lanes(
        canvas=canvas,
        kept=canvas,
        best=torch.full((len(problems),), torch.inf, device=device),
        alive=torch.ones(len(problems), dtype=torch.bool, device=device),
        buffers=transform.init(canvas),
        target=_targets(problems, device),
    )


def select(lanes: Lanes, indices: Sequence[int]) -> Lanes:
    """These lanes only, in this order."""
    index = torch.tensor(indices, dtype=torch.long, device=lanes.canvas.device)

    def these(tensor: Tensor) -> Tensor:
        return tensor[index]  # in the order in memory that the tensor has

    target = lanes.target.like_codes(these)._replace(energy=these(lanes.target.energy))
    return _of([these(tensor) for tensor in _flat(lanes)], target)


def concatenate(first: Lanes, second: Lanes) -> Lanes:
    """The lanes of both, in order."""
    return Lanes(
        canvas=torch.cat((first.canvas, second.canvas)),
        kept=torch.cat((first.kept, second.kept)),
        best=torch.cat((first.best, second.best)),
        alive=torch.cat((first.alive, second.alive)),
        buffers=tuple(map(torch.cat, zip(first.buffers, second.buffers, strict=True))),
        target=_both(first.target, second.target),
    )


def split(lanes: Lanes, portions: Sequence[slice]) -> list[Lanes]:
    """The lanes of each portion; views."""
    return [
        _of([tensor[some] for tensor in _flat(lanes)], lanes.target.of(some)) for some in portions
    ]


def rejoin(whole: Lanes, before: Sequence[Lanes], after: Sequence[Lanes]) -> Lanes:
    """The lanes of `after`, which `before` has become, which `whole` was split into.

    What is the same view in both is taken from the whole, without copying.
    """
    then, now = (zip(*map(_flat, parts), strict=True) for parts in (before, after))
    tensors = [
        old if all(map(is_, views, news)) else joined(news)
        for old, views, news in zip(_flat(whole), then, now, strict=True)
    ]
    return _of(tensors, whole.target)


def _of(tensors: Sequence[Tensor], target: Target) -> Lanes:
    canvas, kept, best, alive, *buffers = tensors
    return Lanes(canvas, kept, best, alive, tuple(buffers), target)


def _flat(lanes: Lanes) -> tuple[Tensor, ...]:
    """All but the target."""
    return (lanes.canvas, lanes.kept, lanes.best, lanes.alive, *lanes.buffers)


def _both(first: Target, second: Target) -> Target:
    mask, bounds = first.mask, first.bounds
    if mask is not None or second.mask is not None:
        mask = torch.cat((_mask(first), _mask(second)))
    if bounds is not None or second.bounds is not None:
        pairs = zip(_bounds(first), _bounds(second), strict=True)
        bounds = Bounds(*(torch.cat(pair) for pair in pairs))
    energy = torch.cat((first.energy, second.energy))
    return Target(torch.cat((first.code, second.code)), mask, energy, bounds)


def _targets(problems: Sequence[Problem], device: torch.device) -> Target:
    codes = torch.stack([problem.target.detach().to(device).float() for problem in problems])
    mask = None
    if any(problem.mask is not None for problem in problems):
        mask = torch.stack([_whole_mask(problem, device) for problem in problems])
    energy = torch.tensor([problem.divisor for problem in problems], device=device)
    bounds = None
    if any(problem.bounds is not None for problem in problems):
        known = [_bounds_of(problem, device) for problem in problems]
        bounds = Bounds(*(torch.stack(side) for side in zip(*known, strict=True)))
    return Target(codes, mask, energy, bounds)


def _bounds_of(problem: Problem, device: torch.device) -> Bounds:
    exact = problem.bounds or Bounds(problem.target, problem.target)
    return Bounds(*(bound.detach().to(device).float() for bound in exact))


def _whole_mask(problem: Problem, device: torch.device) -> Tensor:
    mask = torch.ones(()) if problem.mask is None else problem.mask.detach().float()
    return mask.to(device).expand(problem.target.shape)


def _mask(target: Target) -> Tensor:
    return torch.ones_like(target.code) if target.mask is None else target.mask


def _bounds(target: Target) -> Bounds:
    return target.bounds or Bounds(target.code, target.code)
