"""Limited-memory BFGS of every lane by itself, one evaluation a step, in cosine coefficients.

The step before proposed a canvas; this one has measured it. It is accepted if the objective fell by
enough (Armijo), and then the memory says where to go next; else the way to it is shortened and
tried again. So there is no inner loop: a line search is several steps of the batch, and lanes are
each in their own phase of it. Everything that decides is a tensor over lanes.

Where colours are bounded a trial is a part of the way, cut off at the bound: of a shorter trial
less is cut off. The search goes along that arc (Bertsekas 1982, "Projected Newton methods for
optimization problems with simple constraints"), not along the straight line from the point to the
canvas that was refused. That line leads through the sphere of the bound, where the objective rises.

What makes it fast here (docs/explanation/solver.md has the trials):

- The memory begins from a diagonal in cosine coefficients, like the inverse spectrum of natural
  pictures, so that coarse structure comes first. Where the code's grid is fine enough to see fine
  structure, the diagonal flattens with the lane's age. It does not where the priors outweigh the
  code at all but coarse structure, as they do beside heavy noise: there is no other to be found.
- While a lane is young, rectifiers and max pools pass a little gradient through what they silence
  (`representations.relaxed`): or units that the target needs and the start lacks never wake. A lane
  whose step had to be shortened takes less of it.
"""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from preimage_worker.inversion.by_lane import by_lane, choose, every, per_lane, some
from preimage_worker.inversion.coordinates import principal_colours
from preimage_worker.inversion.folded import sorted_dct2, sorted_frequencies, sorted_idct2
from preimage_worker.inversion.lengths import square_lengths
from preimage_worker.inversion.optimisers.memory import (
    Pairs,
    Slope,
    add_steps,
    downhill,
    forget,
    inner,
    no_pairs,
    own,
    remember,
)
from preimage_worker.inversion.optimisers.transform import Buffers, Control, Seen, Transform
from preimage_worker.inversion.traits import Traits

RELAXED_STEPS = 45
"""Age at which a lane's gradients are exact."""

_ARMIJO = 1e-4
_ROUNDING = 1e-6  # of the objective, relative
_LENGTH = 1.5  # of a step; 1 is the model's minimum, and the true one lies beyond on average
_FIRST_GAIN = 0.5  # of the objective: what a step without memory would gain if it were linear
_SHORTEST, _LONGEST = 0.1, 0.5  # between these the parabola shortens a step
_TRIES = 8  # after so many in a row the memory is wrong
_LEAK_FACTOR, _LEAST_LEAK = 0.3, 0.02
_FLOORS = (0.004, 0.4)  # of μ, first and last: coarser structure than this is all one
_FINEST_FLOOR = 0.04  # of the first layers at first; other fine layers begin with the last floor
_POWERS = (1.0, 0.75)  # of μ, first and last
_STEEP_STEPS, _FLATTENING_STEPS = 8, 24
_OUTWEIGHED = 2  # μ, of at most 8, from which on the priors outweigh the code
_AT_BOUND = 1 - 1e-5
_COLOUR_POWER = 0.5  # of a colour's share of the variance of natural pictures


class State(NamedTuple):
    """The buffers by name."""

    point: Tensor
    """The last canvas that was accepted."""
    gradient: Tensor
    """There, of what can move; a canvas."""
    coefficients: Tensor
    """Of the gradient."""
    way: Tensor
    """From the point, as it leads before it is cut off at the bound; a canvas."""
    length: Tensor
    """What of it the next trial takes, `(lanes,)`; 0 where the point is to be measured anew."""
    steps: Tensor
    """The memory's, as are the three that follow."""
    changes: Tensor
    products: Tensor
    births: Tensor
    value: Tensor
    """Objective at the point, `(lanes,)`."""
    tries: Tensor
    """Proposals from this point that were refused, `(lanes,)`."""
    leak: Tensor
    """Of the next pass, `(lanes,)`."""
    slope_leak: Tensor
    """That the gradient was computed with, `(lanes,)`."""
    of_code: Tensor
    """Curvature that the code gave the objective along the first steps, `(lanes,)`."""
    of_priors: Tensor
    """What the total variation would have given it, had those steps been of frequencies μ = 1."""

    @property
    def pairs(self) -> Pairs:
        """The memory."""
        return Pairs(self.steps, self.changes, self.products, self.births)

    @property
    def outweighed(self) -> Tensor:
        """Whether the priors outweigh the code at all but coarse structure, `(lanes,)`."""
        return self.of_code < _OUTWEIGHED * self.of_priors

    @property
    def slope(self) -> Slope:
        """The gradient, as canvas and coefficients."""
        return Slope(self.gradient, self.coefficients)


def quasi_newton(traits: Traits) -> Transform:
    """The transform; its control must say what was `seen`. It has no rate.

    The update leads from the canvas just measured to the next one to measure; which canvas is the
    best so far is for the caller to remember.
    """

    def init(canvas: Tensor) -> Buffers:
        zeros, numbers = torch.zeros_like(canvas), canvas.new_zeros(len(canvas))
        leak = torch.full_like(numbers, traits.leak)
        pairs = no_pairs(canvas)
        rest = (numbers, numbers, leak, leak, numbers, numbers)
        return State(zeros, zeros, zeros, zeros, numbers, *pairs, *rest)

    def update(gradient: Tensor, buffers: Buffers, control: Control) -> tuple[Tensor, Buffers]:
        seen, age = control.seen, control.age.flatten()
        assert seen is not None
        before = State(*buffers)
        tight = _tight(seen, gradient)
        gradient = _within(gradient, seen.canvas, tight)
        moved = seen.canvas - before.point
        decline = inner(before.gradient, moved).clamp(max=0)
        fresh = (age == 0) | (before.length == 0)
        accepted = fresh | _fell(seen.objective, before.value, decline, inner(gradient, moved))
        after = _refuse(before, seen.objective, decline)
        if some(accepted):
            after = _accept(traits, after, gradient, seen, accepted)
        paired = accepted & (after.slope_leak == before.slope_leak) & ~fresh
        after = _with_memory(after, before, moved, wanted=paired, fresh=fresh)
        after = _weigh(after, before, moved, seen.smoothing, told=paired, age=age)
        after = after._replace(leak=_leak(after.leak, accepted, age))
        if some(accepted):
            way = _within(_ahead(traits, after, _inverse(traits, age, after)), seen.canvas, tight)
            after = after._replace(way=choose(accepted, way, before.way))
        if every(accepted):
            return after.way, after
        step = after.way * per_lane(after.length, after.way) + after.point
        return step.sub_(seen.canvas), after

    return Transform(len(State._fields), init, update, _own)


def _own(buffers: Buffers) -> Buffers:
    state = State(*buffers)
    return state._replace(**own(state.pairs)._asdict())


def _fell(objective: Tensor, value: Tensor, decline: Tensor, incline: Tensor) -> Tensor:
    """Whether a step lowered the objective by enough (Armijo).

    Near a minimum what it gains is less than the rounding of the objective, not of the gradient:
    there the slopes at both ends of the step decide (Hager & Zhang 2005, "A new conjugate gradient
    method with guaranteed descent and an efficient line search", the approximate Wolfe conditions).
    """
    close = objective <= value + _ROUNDING * value.abs()
    level = incline <= (2 * _ARMIJO - 1) * decline
    return (objective <= value + _ARMIJO * decline) | (close & level)


def _tight(seen: Seen, gradient: Tensor) -> Tensor | None:
    """Pixels at the bound whose objective falls beyond it, `(lanes, 1, height, width)`.

    None where there are none; on an accelerator, which would have to be waited for, also given
    when empty.
    """
    if seen.bound is None:
        return None
    reached = square_lengths(seen.canvas) >= (_AT_BOUND * seen.bound).square()
    if reached.device.type == "cpu" and not reached.any():
        return None
    return reached & ((gradient * seen.canvas).sum(1, keepdim=True) < 0)


def _within(vectors: Tensor, canvas: Tensor, tight: Tensor | None) -> Tensor:
    """The vectors without their share along the canvas' colours, at tight pixels."""
    if tight is None:
        return vectors
    along = (vectors * canvas).sum(1, keepdim=True) / square_lengths(canvas)
    return vectors - torch.where(tight, along, 0) * canvas


def leak(buffers: Buffers) -> Tensor:
    """Share of the gradient that silent units shall pass in the next pass, `(lanes,)`."""
    return State(*buffers).leak


def _refuse(before: State, objective: Tensor, decline: Tensor) -> State:
    """The state with a shorter trial of the same way.

    After many the memory is wrong: the point is measured once more, and everything begins there.
    """
    tries = before.tries + 1
    lost = tries >= _TRIES
    shorter = before.length * _shorten(objective - before.value, decline)
    return before._replace(length=torch.where(lost, 0, shorter), tries=torch.where(lost, 0, tries))


def _accept(
    traits: Traits, refused: State, gradient: Tensor, seen: Seen, accepted: Tensor
) -> State:
    """The state with what was just measured as the point, in lanes that accepted it."""
    return refused._replace(
        point=choose(accepted, seen.canvas, refused.point),
        gradient=choose(accepted, gradient, refused.gradient),
        coefficients=choose(accepted, _coefficients(traits, gradient), refused.coefficients),
        length=torch.where(accepted, 1, refused.length),
        value=torch.where(accepted, seen.objective, refused.value),
        tries=torch.where(accepted, 0, refused.tries),
        slope_leak=torch.where(accepted, refused.leak, refused.slope_leak),
    )


def _with_memory(
    after: State, before: State, moved: Tensor, *, wanted: Tensor, fresh: Tensor
) -> State:
    """The state with the accepted step remembered, and nothing in lanes that begin.

    Gradients of different relaxations do not make a pair.
    """
    pairs = forget(before.pairs, fresh)
    if some(wanted):
        pairs = remember(pairs, moved, after.slope.minus(before.slope), wanted)
    return after._replace(**pairs._asdict())


def _weigh(
    after: State,
    before: State,
    moved: Tensor,
    smoothing: Tensor | None,
    *,
    told: Tensor,
    age: Tensor,
) -> State:
    """The state with what a lane's first steps say of code and priors: they decide for the rest."""
    young = age < _STEEP_STEPS
    if smoothing is None or not some(young):
        return after
    rise = inner(moved, after.gradient - before.gradient)
    of_code = rise - smoothing * by_lane(_roughness, moved)
    of_priors = smoothing * inner(moved, moved)
    told = told & young
    return after._replace(
        of_code=torch.where(age == 0, 0, after.of_code + torch.where(told, of_code, 0)),
        of_priors=torch.where(age == 0, 0, after.of_priors + torch.where(told, of_priors, 0)),
    )


def _roughness(canvas: Tensor) -> Tensor:
    """Σ μ c² of its cosine coefficients c."""
    return sum(
        (canvas.diff(dim=side).square().flatten(1).sum(1) for side in (-1, -2)),
        start=canvas.new_zeros(len(canvas)),
    )


def _leak(leak: Tensor, accepted: Tensor, age: Tensor) -> Tensor:
    """Less after every refusal, none from a certain age on."""
    less = torch.where(accepted, leak, _LEAK_FACTOR * leak)
    gone = (less < _LEAST_LEAK) | (age + 1 >= RELAXED_STEPS)
    return torch.where(gone, 0, less)


def _ahead(traits: Traits, state: State, inverse: Tensor) -> Tensor:
    """The step that the memory proposes; along the slope where there is none or it leads up."""
    way = downhill(state.slope, state.pairs, inverse)
    known = state.pairs.known & (way.incline < 0)
    coefficients = way.coefficients.mul_(_LENGTH)
    if not every(known):
        plain = -inverse * state.coefficients
        incline = inner(state.coefficients, plain).abs().clamp(min=1e-30)
        plain *= per_lane(_FIRST_GAIN * state.value.abs() / incline, plain)
        coefficients = choose(known, coefficients, plain)
    shares = torch.where(known[:, None], _LENGTH * way.shares, 0)
    return add_steps(_canvas(traits, coefficients), shares, state.pairs)


def _shorten(rise: Tensor, decline: Tensor) -> Tensor:
    """Where the parabola through both values and the slope has its minimum, within limits."""
    lowest = -decline / (2 * (rise - decline))
    return torch.nan_to_num(lowest, nan=_SHORTEST).clamp(_SHORTEST, _LONGEST)


def _inverse(traits: Traits, age: Tensor, state: State) -> Tensor:
    """The diagonal that the memory begins from, `(lanes, 1 or channels, height, width)`.

    It stays steep where the priors outweigh the code.

    On a CPU, where powers take long, its ends are kept: all lanes begin with one, and in the other
    it changes no more. What lies between passes by, and a large canvas has large ones.
    """
    flat = ((age - _STEEP_STEPS) / _FLATTENING_STEPS).clamp(0, 1) * (1 - traits.coarseness)
    size, first = state.point.shape[-2:], _first_floor(traits)
    if age.device.type != "cpu":
        steep = _curvature(traits, torch.zeros_like(flat), _FLOORS[0], size)
        usual = _curvature(traits, flat, first, size)
        return 1 / torch.where(per_lane(state.outweighed, usual), steep, usual)

    def of_one(flat: Tensor, outweighed: Tensor) -> Tensor:
        if outweighed:
            return _inverse_at(traits, 0.0, _FLOORS[0], size)
        return _inverse_at(traits, float(flat), first, size)

    return by_lane(of_one, flat, state.outweighed)


def _first_floor(traits: Traits) -> float:
    return _FINEST_FLOOR if traits.finest else _FLOORS[traits.fine]


def _inverse_at(traits: Traits, flat: float, first: float, size: torch.Size) -> Tensor:
    last = float(torch.tensor(1.0) * (1 - traits.coarseness))
    return (_kept_inverse if flat in {0.0, last} else _lone_inverse)(traits, flat, first, size)


def _lone_inverse(traits: Traits, flat: float, first: float, size: torch.Size) -> Tensor:
    return 1 / _curvature(traits, torch.tensor([flat]), first, size)


_kept_inverse = lru_cache(maxsize=6)(_lone_inverse)


def _curvature(traits: Traits, flat: Tensor, first: float, size: torch.Size) -> Tensor:
    """Its inverse, up to a factor: (μ + floor)^power.

    With power 1 and no floor it is the total variation's own, and the inverse spectrum of natural
    pictures. Where colours are principal ones, those that are rare in natural pictures weigh more.

    Args:
        traits: of the representation.
        flat: how far the diagonal has flattened, `(lanes,)`.
        first: the floor where it has not.
        size: of the canvas, rows and columns.
    """
    spectrum = sorted_frequencies(*size, flat.device)
    floor = first * (_FLOORS[1] / first) ** flat
    power = _POWERS[0] + (_POWERS[1] - _POWERS[0]) * flat
    diagonal = (spectrum + floor[:, None, None, None]) ** power[:, None, None, None]
    if not _separates_colours(traits):
        return diagonal
    _, shares = principal_colours(flat.device)
    rarity = (shares[0] / shares) ** (_COLOUR_POWER * traits.coarseness)
    return diagonal * rarity[:, None, None]


def _separates_colours(traits: Traits) -> bool:
    """Deep layers leave colours open; shallow ones do not, and need no help."""
    return traits.coloured and traits.coarseness > 0


def _coefficients(traits: Traits, gradient: Tensor) -> Tensor:
    """Of a gradient: an orthonormal change of coordinates."""
    if _separates_colours(traits):
        colours, _ = principal_colours(gradient.device)
        gradient = by_lane(lambda lane: _mix(colours.T, lane), gradient)
    return sorted_dct2(gradient)


def _canvas(traits: Traits, coefficients: Tensor) -> Tensor:
    """The canvas that has these coefficients."""
    canvas = sorted_idct2(coefficients)
    if not _separates_colours(traits):
        return canvas
    colours, _ = principal_colours(canvas.device)
    return by_lane(lambda lane: _mix(colours, lane), canvas)


def _mix(matrix: Tensor, canvas: Tensor) -> Tensor:
    """Other colours: `matrix` times those of each pixel."""
    return (matrix @ canvas.flatten(2)).view_as(canvas)
