"""The lanes' numbers as tensors: what the terms of the objective are multiplied by.

They change only when lanes join, leave or give up their margin, so they are made at such moments.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from preimage_worker.inversion.lane import Lane, Move
from preimage_worker.inversion.optimisers.families import Method
from preimage_worker.inversion.optimisers.transform import Control
from preimage_worker.inversion.priors import PRIORS, QUADRATIC, Magnitude, Prior
from preimage_worker.inversion.repulsion import Circle, circles
from preimage_worker.inversion.settings import PriorSetting


class Weighted(NamedTuple):
    """A prior and its weight."""

    prior: Prior
    weight: Tensor
    """`(lanes,)`; includes the family's share for the lane's canvas."""
    idle: bool
    """Whether no lane has any of it."""


class Weights(NamedTuple):
    """All lanes' numbers, each `(lanes,)` unless said otherwise."""

    data: Tensor
    """C."""
    priors: tuple[Weighted, ...]
    """In the order of `PRIORS`."""
    bound: Tensor | None
    """`(lanes, 1, 1, 1)`, grey levels; None where no lane has one."""
    circles: tuple[Circle, ...]
    """Lanes that push each other apart."""
    inside: Tensor | None
    """`(lanes, 1, rows, columns)`: where each lane's canvas is; None where all fill the tensor."""
    smoothing: Tensor
    """Curvature of a total variation with β = 2 over the eigenvalue μ of a frequency; else 0."""


def weigh(lanes: Sequence[Lane], method: Method, like: Tensor) -> Weights:
    """The weights of these lanes on canvases of the shape and device of `like`."""
    settings = [lane.problem.settings for lane in lanes]
    sizes = [lane.canvas_size for lane in lanes]
    shares = [
        lane.prior_factor * method.share(like.shape[1], rows * columns)
        for lane, (rows, columns) in zip(lanes, sizes, strict=True)
    ]
    bounds = [one.bound for one in settings]
    inside = _inside(sizes, like)
    variations = [one.total_variation for one in settings]
    return Weights(
        data=_tensor([one.data_weight for one in settings], like),
        priors=tuple(
            _weighted([one.priors[name] for one in settings], shares, inside, like)
            for name in PRIORS
        ),
        bound=_tensor(bounds, like)[:, None, None, None] if min(bounds) < math.inf else None,
        circles=circles([lane.repulsion for lane in lanes]),
        inside=inside,
        smoothing=_tensor(list(map(_smoothing, variations, shares)), like),
    )


def _smoothing(variation: PriorSetting, share: float) -> float:
    """Of weight · Σ (|∇x| / V)², whose Hessian is 2 weight / V² · μ in cosine coefficients."""
    if variation.exponent != QUADRATIC:
        return 0.0
    return 2 * variation.weight * share / variation.scale**2


def controls(moves: Sequence[Sequence[Move]], device: torch.device) -> list[Control]:
    """One control for each step, from the moves `[lane][step]`, in a single copy to the device."""
    table = [[(move.rate, float(move.age > 0), float(move.age)) for move in lane] for lane in moves]
    by_step = torch.tensor(table, device=device).permute(1, 2, 0)[..., None, None, None]
    return [Control(rate=step[0], keep=step[1], age=step[2]) for step in by_step]


def _weighted(
    priors: Sequence[PriorSetting], shares: Sequence[float], inside: Tensor | None, like: Tensor
) -> Weighted:
    magnitudes = [Magnitude(prior.exponent, prior.isotropic) for prior in priors]
    scale = _tensor([prior.scale for prior in priors], like)
    weight = [prior.weight * share for prior, share in zip(priors, shares, strict=True)]
    return Weighted(Prior(magnitudes, scale, inside), _tensor(weight, like), idle=not any(weight))


def _inside(sizes: Sequence[tuple[int, int]], like: Tensor) -> Tensor | None:
    rows, columns = like.shape[-2:]
    if all(size == (rows, columns) for size in sizes):
        return None
    heights = _tensor([height for height, _ in sizes], like)[:, None, None, None]
    widths = _tensor([width for _, width in sizes], like)[:, None, None, None]
    row = torch.arange(rows, device=like.device)[:, None]
    column = torch.arange(columns, device=like.device)
    return (row < heights) & (column < widths)


def _tensor(numbers: Sequence[float], like: Tensor) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float32, device=like.device)
