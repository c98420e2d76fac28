"""The memory of limited-memory BFGS: each lane's last steps and what they did to its gradient.

The two loops of Nocedal & Wright 2006, algorithm 7.4, written out: what they compute lies in the
span of slope, steps and changes, so that a few products of those say all (Byrd, Nocedal & Schnabel
1994, "Representations of quasi-Newton matrices"), and the loops become triangular systems of PAIRS
equations. The vectors are then read twice each instead of twenty times.

Steps are held as canvases, changes as coefficients of an orthonormal basis, in which the diagonal
is one. Only the diagonal needs the basis, so that a slope is transformed once and what comes of it
back once, and canvases never. What both kinds of vectors have to do with each other, ⟨s_i, y_j⟩, is
taken when a pair is new and its change is at hand as a canvas.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from preimage_worker.inversion.by_lane import all_by_lane, by_lane, per_lane, some

PAIRS = 5
"""Of each lane. 20 pairs won nothing that their memory and time were worth."""

_LEAST_CURVATURE = 1e-10


class Pairs(NamedTuple):
    """In any order."""

    steps: Tensor
    """s, canvases, `(lanes, PAIRS, channels, height, width)`."""
    changes: Tensor
    """y, of the gradient along them, as coefficients."""
    products: Tensor
    """⟨s_i, y_j⟩, `(lanes, PAIRS, PAIRS)`; of no meaning where the step is newer."""
    births: Tensor
    """Which is newer, `(lanes, PAIRS)`: the newest has the highest; 0 where there is no pair."""

    @property
    def known(self) -> Tensor:
        """Whether there are any, `(lanes,)`."""
        return self.births.amax(1) > 0


class Slope(NamedTuple):
    """A gradient, twice."""

    canvas: Tensor
    coefficients: Tensor

    def minus(self, other: "Slope") -> "Slope":
        """The difference."""
        return Slope(self.canvas - other.canvas, self.coefficients - other.coefficients)


class Way(NamedTuple):
    """A step in parts: the canvas of `coefficients`, and `shares` of the memory's steps."""

    coefficients: Tensor
    shares: Tensor
    """`(lanes, PAIRS)`."""
    incline: Tensor
    """⟨g, step⟩, `(lanes,)`: below 0 where it leads downhill."""


def no_pairs(like: Tensor) -> Pairs:
    """Of lanes that have taken no step yet."""
    room = like.new_zeros(len(like), PAIRS, *like.shape[1:])
    products = like.new_zeros(len(like), PAIRS, PAIRS)
    return Pairs(room, room.clone(), products, like.new_zeros(len(like), PAIRS))


def remember(pairs: Pairs, step: Tensor, change: Slope, wanted: Tensor) -> Pairs:
    """The pairs with one more in `wanted` lanes, in place of the oldest: written into `pairs`.

    A step along which the gradient did not rise says nothing of a convex model and is left out.
    """
    along, square = inner(step, change.canvas), inner(change.canvas, change.canvas)
    useful = wanted & (along > _LEAST_CURVATURE * square)
    if not some(useful):
        return pairs
    oldest, birth = pairs.births.argmin(1), pairs.births.amax(1) + 1
    for kept, newest in zip(
        (pairs.steps, pairs.changes, pairs.births), (step, change.coefficients, birth), strict=True
    ):
        _put(kept, oldest, newest, useful)
    _put(pairs.products.mT, oldest, by_lane(_along, pairs.steps, change.canvas), useful)
    return pairs


def _put(kept: Tensor, place: Tensor, newest: Tensor, lanes: Tensor) -> None:
    """Write `newest` to a place of each of these lanes."""
    if kept.device.type != "cpu":
        index = torch.arange(len(kept), device=kept.device)
        lanes = per_lane(lanes, newest)
        kept[index, place] = torch.where(lanes, newest, kept[index, place])
        return
    for lane in lanes.nonzero().flatten().tolist():
        kept[lane, int(place[lane])] = newest[lane]


def own(pairs: Pairs) -> Pairs:
    """A copy that `remember` may write to."""
    return Pairs(*(each.clone() for each in pairs))


def forget(pairs: Pairs, lanes: Tensor) -> Pairs:
    """The pairs without those of these lanes."""
    if not some(lanes):
        return pairs
    return pairs._replace(births=torch.where(lanes[:, None], 0, pairs.births))


def downhill(slope: Slope, pairs: Pairs, inverse: Tensor) -> Way:
    """−H g, with H what the pairs make of the diagonal `inverse` in their basis.

    The diagonal is scaled to the newest pair, ⟨s, y⟩ / ⟨y, D y⟩.
    """
    return Way(*all_by_lane(_downhill, *slope, *pairs, inverse))


def _downhill(*parts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The way's parts, of those of slope and pairs, and of the diagonal."""
    gradient, coefficients, steps, changes, products, births, inverse = parts
    loops = _Loops(products.double(), births)
    steps_slope = _along(steps, gradient)
    first = loops.first(steps_slope.double())
    rest = _plus(coefficients, first.to(gradient.dtype), changes, factor=-1).mul_(inverse)
    scale = loops.scale(_newest_square(changes, births, inverse).double())
    ahead = scale[:, None] * _along(changes, rest).double()
    shares = loops.second(first, ahead).to(rest.dtype)
    rest = rest.mul_(per_lane(scale.neg().to(rest.dtype), rest))
    incline = inner(coefficients, rest) - (shares * steps_slope).sum(1)
    return rest, shares.neg(), incline


def add_steps(canvas: Tensor, shares: Tensor, pairs: Pairs) -> Tensor:
    """The canvas plus these shares of the memory's steps."""
    return by_lane(lambda *lane: _plus(*lane, factor=1), canvas, shares, pairs.steps)


def inner(first: Tensor, second: Tensor) -> Tensor:
    """⟨a, b⟩ of each lane, `(lanes,)`."""
    return by_lane(lambda one, other: (one * other).flatten(1).sum(1), first, second)


def _along(kept: Tensor, vector: Tensor) -> Tensor:
    """The inner product with each that is kept, `(lanes, PAIRS)`."""
    return (kept.flatten(2) @ vector.flatten(1)[:, :, None])[:, :, 0]


def _plus(vector: Tensor, shares: Tensor, kept: Tensor, *, factor: int) -> Tensor:
    """The vector plus factor times these shares of what is kept."""
    rows = vector.flatten(1)[:, None]
    return torch.baddbmm(rows, shares[:, None], kept.flatten(2), alpha=factor).view_as(vector)


def _newest_square(changes: Tensor, births: Tensor, inverse: Tensor) -> Tensor:
    """⟨y, D y⟩ of the newest pair."""
    newest = births.argmax(1)
    if changes.device.type == "cpu" and len(changes) == 1:
        change = changes[:, int(newest)]
    else:
        change = changes[torch.arange(len(changes), device=changes.device), newest]
    return inner(change * inverse, change)


class _Loops:
    """The small systems of equations, in double precision, of all lanes."""

    def __init__(self, products: Tensor, births: Tensor) -> None:
        self._newest = births.argmax(1, keepdim=True)
        self._newer = births[:, :, None] < births[:, None]
        self._products = torch.where(self._newer, products, 0)
        along = products.diagonal(dim1=1, dim2=2)
        self._weights = torch.where((births > 0) & (along > 0), 1 / along, 0)
        self._ones = torch.eye(births.shape[1], dtype=products.dtype, device=products.device)

    def first(self, steps_slope: Tensor) -> Tensor:
        """The a of the loop from the newest to the oldest: q = g − Σ a_i y_i."""
        weights = self._weights
        return _solve(self._ones + weights[:, :, None] * self._products, weights * steps_slope)

    def scale(self, newest_square: Tensor) -> Tensor:
        """γ, 1 where there is no pair."""
        square = self._weights.gather(1, self._newest)[:, 0] * newest_square
        return torch.where(square > 0, 1 / square, 1)

    def second(self, first: Tensor, ahead: Tensor) -> Tensor:
        """The c of the loop from the oldest to the newest: H g = γ D q + Σ c_i s_i.

        Args:
            first: a.
            ahead: ⟨y_i, γ D q⟩.
        """
        weights = self._weights
        matrix = self._ones + weights[:, :, None] * self._products.mT
        return _solve(matrix, first - weights * ahead)


def _solve(matrix: Tensor, right: Tensor) -> Tensor:
    """Of a system that is triangular in the order of births; without waiting for the device."""
    found: Tensor = torch.linalg.solve_ex(matrix, right[:, :, None], check_errors=False)[0]
    return found[:, :, 0]
