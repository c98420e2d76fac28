"""The lanes' numbers as tensors: what the terms of the objective are multiplied by.

They change only when lanes join, leave or give up their margin, so they are made at such moments.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from preimage_worker.inversion.lane import Lane, Move
from preimage_worker.inversion.optimisers.families import Method
from preimage_worker.inversion.optimisers.transform import Control
from preimage_worker.inversion.priors import Prior
from preimage_worker.inversion.settings import PriorSetting


class Weighted(NamedTuple):
    """A prior and its weight."""

    prior: Prior
    weight: Tensor
    """`(lanes,)`; includes the family's share for the lane's canvas."""


class Weights(NamedTuple):
    """All lanes' numbers, each `(lanes,)` unless said otherwise."""

    data: Tensor
    """C."""
    alpha_norm: Weighted
    total_variation: Weighted
    bound: Tensor
    """`(lanes, 1, 1, 1)`, grey levels."""
    inside: Tensor | None
    """`(lanes, 1, rows, columns)`: where each lane's canvas is; None where all fill the tensor."""


def weigh(lanes: Sequence[Lane], method: Method, like: Tensor) -> Weights:
    """The weights of these lanes on canvases of the shape and device of `like`."""
    settings = [lane.problem.settings for lane in lanes]
    sizes = [lane.canvas_size for lane in lanes]
    shares = [method.share(like.shape[1], rows * columns) for rows, columns in sizes]
    return Weights(
        data=_tensor([one.data_weight for one in settings], like),
        alpha_norm=_weighted([one.alpha_norm for one in settings], shares, like),
        total_variation=_weighted([one.total_variation for one in settings], shares, like),
        bound=_tensor([one.bound for one in settings], like)[:, None, None, None],
        inside=_inside(sizes, like),
    )


def controls(moves: Sequence[Sequence[Move]], device: torch.device) -> list[Control]:
    """One control for each step, from the moves `[lane][step]`, in a single copy to the device."""
    table = [[(move.rate, float(not move.fresh)) for move in lane] for lane in moves]
    rates_and_keeps = torch.tensor(table, device=device).permute(1, 2, 0)[..., None, None, None]
    return [Control(rate=step[0], keep=step[1]) for step in rates_and_keeps]


def _weighted(priors: Sequence[PriorSetting], shares: Sequence[float], like: Tensor) -> Weighted:
    exponents = [prior.exponent for prior in priors]
    scale = _tensor([prior.scale for prior in priors], like)
    weight = [prior.weight * share for prior, share in zip(priors, shares, strict=True)]
    return Weighted(Prior(exponents, scale), _tensor(weight, like))


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
