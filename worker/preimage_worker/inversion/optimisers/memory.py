"""The memory of limited-memory BFGS: each lane's last steps and what they did to its gradient.

Nocedal & Wright 2006, algorithm 7.4, for all lanes at once. A pair that is not there has the
weight 0, which leaves it out of every sum, so that lanes with few pairs and lanes with many run
through the same kernels.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from preimage_worker.inversion.by_lane import by_lane

PAIRS = 5
"""Of each lane. 20 pairs won nothing that their memory and time were worth."""

_LEAST_CURVATURE = 1e-10


class Pairs(NamedTuple):
    """The newest first."""

    steps: Tensor
    """s, `(lanes, PAIRS, channels, height, width)`."""
    changes: Tensor
    """y, of the gradient along them."""
    weights: Tensor
    """1 / ⟨s, y⟩, `(lanes, PAIRS)`; 0 where there is no pair."""


def no_pairs(like: Tensor) -> Pairs:
    """Of lanes that have taken no step yet."""
    room = like.new_zeros(len(like), PAIRS, *like.shape[1:])
    return Pairs(room, room, like.new_zeros(len(like), PAIRS))


def remember(pairs: Pairs, step: Tensor, change: Tensor, wanted: Tensor) -> Pairs:
    """The pairs with one more in `wanted` lanes, in place of the oldest.

    A step along which the gradient did not rise says nothing of a convex model and is left out.
    """
    along, square = inner(step, change), inner(change, change)
    useful = wanted & (along > _LEAST_CURVATURE * square)
    weight = torch.where(useful, 1 / along, 0)
    return Pairs(
        _put(pairs.steps, step, useful),
        _put(pairs.changes, change, useful),
        _put(pairs.weights, weight, useful),
    )


def forget(pairs: Pairs, lanes: Tensor) -> Pairs:
    """The pairs without those of these lanes."""
    return pairs._replace(weights=torch.where(lanes[:, None], 0, pairs.weights))


def downhill(slope: Tensor, pairs: Pairs, inverse: Tensor) -> Tensor:
    """−H g, with H what the pairs make of the diagonal `inverse`; `(lanes, channels, …)`.

    The diagonal is scaled to the newest pair, ⟨s, y⟩ / ⟨y, D y⟩.
    """
    found, parts = slope, []
    for number in range(PAIRS):
        part = pairs.weights[:, number] * inner(pairs.steps[:, number], found)
        found = found - per_lane(part, found) * pairs.changes[:, number]
        parts.append(part)
    newest = pairs.changes[:, 0]
    scale = pairs.weights[:, 0] * inner(newest, inverse * newest)
    found = found * inverse * per_lane(torch.where(scale > 0, 1 / scale, 1), found)
    for number in reversed(range(PAIRS)):
        part = parts[number] - pairs.weights[:, number] * inner(pairs.changes[:, number], found)
        found = found + per_lane(part, found) * pairs.steps[:, number]
    return -found


def inner(first: Tensor, second: Tensor) -> Tensor:
    """⟨a, b⟩ of each lane, `(lanes,)`."""
    return by_lane(lambda one, other: (one * other).flatten(1).sum(1), first, second)


def per_lane(numbers: Tensor, like: Tensor) -> Tensor:
    """`(lanes,)` so that it broadcasts to `like`."""
    return numbers.reshape(-1, *(1,) * (like.ndim - 1))


def _put(kept: Tensor, newest: Tensor, useful: Tensor) -> Tensor:
    shifted = torch.cat((newest[:, None], kept[:, :-1]), dim=1)
    return torch.where(per_lane(useful, kept), shifted, kept)
