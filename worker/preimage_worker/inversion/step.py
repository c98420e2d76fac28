"""One step of all lanes: a pure function from state to state.

Each lane goes forwards and backwards through the representation once. The terms are those of the
canvas before its update: at step t, of x_t. Nothing here waits for the device.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from preimage_worker.inversion.by_lane import choose, joined, per_lane
from preimage_worker.inversion.jitter import Offset, add_crop_, crop
from preimage_worker.inversion.objectives import Target, data_term
from preimage_worker.inversion.optimisers.steps import project
from preimage_worker.inversion.optimisers.transform import Control, Seen
from preimage_worker.inversion.precision import computing
from preimage_worker.inversion.priors import PRIORS
from preimage_worker.inversion.representations.relaxed import relax
from preimage_worker.inversion.repulsion import push
from preimage_worker.inversion.shared_setup import Setup
from preimage_worker.inversion.state import Lanes
from preimage_worker.inversion.weights import Weights


def step(
    setup: Setup, lanes: Lanes, weights: Weights, control: Control, offsets: Sequence[Offset]
) -> tuple[Lanes, Tensor]:
    """The lanes after one step, and their terms `(lanes, 5)` before it, as `CURVE_COLUMNS`."""
    with torch.no_grad():
        value, achieved, pull = _data(setup, lanes, weights, offsets)
        priors, gradient = _priors(lanes.canvas, weights)
        gradient = add_crop_(gradient, offsets, pull)
        gradient = push(gradient, lanes.canvas, achieved, weights.circles)
        data = weights.data * value
        terms = torch.stack((data + priors.sum(0), data, *priors, achieved), dim=1)
        seen = control._replace(seen=_seen(lanes, terms[:, 0], weights))
        moved = _move(setup, lanes, gradient, weights, seen)
        if not setup.method.descends:
            return _keep(lanes, moved, terms[:, 0]), terms
        begins = control.age.flatten() == 0
        return _keep_best(lanes, moved, terms[:, 0], begins), terms


def _seen(lanes: Lanes, objective: Tensor, weights: Weights) -> Seen:
    return Seen(lanes.canvas, objective, weights.bound, weights.smoothing)


def _data(
    setup: Setup, lanes: Lanes, weights: Weights, offsets: Sequence[Offset]
) -> tuple[Tensor, Tensor, Tensor]:
    """The data term, what is achieved, and the weighted data term's gradient on the crops."""
    crops = crop(lanes.canvas, offsets, setup.height, setup.width)
    leak = None if setup.method.leak is None else setup.method.leak(lanes.buffers)
    values, achieved, pulls = zip(
        *(
            _pass(
                setup,
                crops[some],
                lanes.target.of(some),
                weights.data[some],
                None if leak is None else leak[some],
            )
            for some in setup.portions(len(crops))
        ),
        strict=True,
    )
    return joined(values), joined(achieved), joined(pulls)


def _pass(
    setup: Setup, crops: Tensor, target: Target, weight: Tensor, leak: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Forwards and backwards through the representation."""
    crops = crops.detach().requires_grad_()
    with computing(setup.precision, setup.device):
        with torch.enable_grad():
            codes = relax(setup.representation, crops, leak)
        term = data_term(codes.detach(), target, weight, setup.loss)
        (pull,) = torch.autograd.grad(codes, crops, term.cotangent.to(codes.dtype))
    return term.value, term.achieved, pull


def _priors(canvas: Tensor, weights: Weights) -> tuple[Tensor, Tensor]:
    """Weighted priors `(priors, lanes)`, and their common gradient."""
    values, gradient = list[Tensor](), None
    for prior, (numbers, weight, idle) in zip(PRIORS.values(), weights.priors, strict=True):
        if idle:
            values.append(torch.zeros_like(weight))
            continue
        value, slope = prior(canvas, numbers)
        values.append(weight * value)
        share = per_lane(weight, slope)
        gradient = slope * share if gradient is None else gradient.addcmul_(slope, share)
    return torch.stack(values), torch.zeros_like(canvas) if gradient is None else gradient


def _move(
    setup: Setup, lanes: Lanes, gradient: Tensor, weights: Weights, control: Control
) -> Lanes:
    """The optimiser's update, of the lanes' own canvases, within their bounds."""
    update, buffers = setup.method.transform.update(gradient, lanes.buffers, control)
    if weights.inside is not None:
        update = update * weights.inside
    canvas = lanes.canvas + update
    if weights.bound is not None:
        canvas = project(canvas, weights.bound)
    return lanes._replace(canvas=canvas, buffers=buffers)


def _keep(before: Lanes, after: Lanes, objective: Tensor) -> Lanes:
    """Remember the canvas that was just measured, in lanes where the objective was finite.

    A lane that is no longer finite runs on until the boundary: lanes do not touch each other.
    """
    alive = before.alive & objective.isfinite()
    kept = choose(alive, before.canvas, before.kept)
    return after._replace(kept=kept, alive=alive)


def _keep_best(before: Lanes, after: Lanes, objective: Tensor, begins: Tensor) -> Lanes:
    """Remember the canvas that was just measured where it is the best one of the segment.

    A later one without a finite objective is a step too long, which the method takes back.
    """
    finite = objective.isfinite()
    alive = before.alive & (finite | ~begins)
    better = alive & finite & (begins | (objective < before.best))
    kept = choose(better, before.canvas, before.kept)
    best = torch.where(better, objective, before.best)
    return after._replace(kept=kept, best=best, alive=alive)
