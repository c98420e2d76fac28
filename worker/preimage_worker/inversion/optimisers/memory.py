"""The memory of limited-memory BFGS: each lane's last steps and what they did to its gradient.

The two loops of Nocedal & Wright 2006, algorithm 7.4, written out: everything they compute lies in
the span of slope, steps and changes, so that a few products of those say all (Byrd, Nocedal &
Schnabel 1994, "Representations of quasi-Newton matrices"), and the loops become triangular systems
of PAIRS equations. The vectors are then read four times instead of forty.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from preimage_worker.inversion.by_lane import by_lane, choose, per_lane

PAIRS = 5
"""Of each lane. 20 pairs won nothing that their memory and time were worth."""

_LEAST_CURVATURE = 1e-10


class Pairs(NamedTuple):
    """In any order."""

    steps: Tensor
    """s, `(lanes, PAIRS, channels, height, width)`."""
    changes: Tensor
    """y, of the gradient along them."""
    births: Tensor
    """Which is newer, `(lanes, PAIRS)`: the newest has the highest; 0 where there is no pair."""

    @property
    def known(self) -> Tensor:
        """Whether there are any, `(lanes,)`."""
        return self.births.amax(1) > 0


def no_pairs(like: Tensor) -> Pairs:
    """Of lanes that have taken no step yet."""
    room = like.new_zeros(len(like), PAIRS, *like.shape[1:])
    return Pairs(room, room.clone(), like.new_zeros(len(like), PAIRS))


def remember(pairs: Pairs, step: Tensor, change: Tensor, wanted: Tensor) -> Pairs:
    """The pairs with one more in `wanted` lanes, in place of the oldest: written into `pairs`.

    A step along which the gradient did not rise says nothing of a convex model and is left out.
    """
    along, square = inner(step, change), inner(change, change)
    useful = wanted & (along > _LEAST_CURVATURE * square)
    lanes, oldest = torch.arange(len(step), device=step.device), pairs.births.argmin(1)
    birth = pairs.births.amax(1) + 1

    for kept, newest in zip(pairs, (step, change, birth), strict=True):
        kept[lanes, oldest] = choose(useful, newest, kept[lanes, oldest])
    return pairs


def own(pairs: Pairs) -> Pairs:
    """A copy that `remember` may write to."""
    return Pairs(*(each.clone() for each in pairs))


def forget(pairs: Pairs, lanes: Tensor) -> Pairs:
    """The pairs without those of these lanes."""
    return pairs._replace(births=torch.where(lanes[:, None], 0, pairs.births))


def downhill(slope: Tensor, pairs: Pairs, inverse: Tensor) -> Tensor:
    """−H g, with H what the pairs make of the diagonal `inverse`; `(lanes, channels, …)`.

    The diagonal is scaled to the newest pair, ⟨s, y⟩ / ⟨y, D y⟩.
    """
    products = by_lane(_products, slope, pairs.steps, pairs.changes, inverse)
    numbers = _shares(products.double(), pairs.births).to(slope.dtype)
    return by_lane(_combine, numbers, slope, pairs.steps, pairs.changes, inverse)


def inner(first: Tensor, second: Tensor) -> Tensor:
    """⟨a, b⟩ of each lane, `(lanes,)`."""
    return by_lane(lambda one, other: (one * other).flatten(1).sum(1), first, second)


def _products(slope: Tensor, steps: Tensor, changes: Tensor, inverse: Tensor) -> Tensor:
    """⟨s_i, y_j⟩, ⟨y_i, D y_j⟩, ⟨s_i, g⟩ and ⟨y_i, D g⟩: `(lanes, PAIRS, 2 · PAIRS + 2)`."""
    scaled = (changes * inverse[:, None]).flatten(2)
    steps, changes, slope = steps.flatten(2), changes.flatten(2), slope.flatten(1)[:, :, None]
    across = changes.transpose(1, 2)
    return torch.cat((steps @ across, scaled @ across, steps @ slope, scaled @ slope), dim=2)


def _shares(products: Tensor, births: Tensor) -> Tensor:
    """How H g is made: `(lanes, 2 · PAIRS + 1)`.

    H g = γ D (g − Σ a_i y_i) + Σ c_i s_i. The first numbers are a, then c, the last is γ.
    """
    steps_changes, changes_changes, steps_slope, changes_slope = torch.split(
        products, [PAIRS, PAIRS, 1, 1], dim=2
    )
    along = steps_changes.diagonal(dim1=1, dim2=2)
    weights = torch.where((births > 0) & (along > 0), 1 / along, 0)[:, :, None]
    newest = births.argmax(1, keepdim=True)
    square = (weights[:, :, 0] * changes_changes.diagonal(dim1=1, dim2=2)).gather(1, newest)
    scale = torch.where(square > 0, 1 / square, 1)
    newer = births[:, :, None] < births[:, None]
    ones = torch.eye(PAIRS, dtype=products.dtype, device=products.device)
    first = _solve(ones + weights * steps_changes * newer, weights * steps_slope)
    ahead = scale[:, :, None] * (changes_slope - changes_changes @ first)
    older = steps_changes.transpose(1, 2) * newer.transpose(1, 2)
    second = _solve(ones + weights * older, first - weights * ahead)
    return torch.cat((first[:, :, 0], second[:, :, 0], scale), dim=1)


def _solve(matrix: Tensor, right: Tensor) -> Tensor:
    """Of a system that is triangular in the order of births; without waiting for the device."""
    found: Tensor = torch.linalg.solve_ex(matrix, right, check_errors=False)[0]
    return found


def _combine(
    numbers: Tensor, slope: Tensor, steps: Tensor, changes: Tensor, inverse: Tensor
) -> Tensor:
    """−H g of its numbers."""
    first, second, scale = torch.split(numbers[:, None], [PAIRS, PAIRS, 1], dim=2)
    rest = (first @ changes.flatten(2)).reshape(slope.shape).sub_(slope)
    found = rest.mul_(inverse).mul_(per_lane(scale, slope))
    return found.sub_((second @ steps.flatten(2)).reshape(slope.shape))
