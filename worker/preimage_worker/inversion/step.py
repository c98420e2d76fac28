"""One step of all lanes: a pure function from state to state.

Each lane goes forwards and backwards through the representation once. The terms are those of the
canvas before its update: at step t, of x_t. Nothing here waits for the device.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from preimage_worker.inversion.jitter import Offset, add_crop_, crop
from preimage_worker.inversion.objectives import Target, data_term
from preimage_worker.inversion.optimisers.families import Method
from preimage_worker.inversion.optimisers.transform import Control
from preimage_worker.inversion.precision import computing
from preimage_worker.inversion.priors import alpha_norm, total_variation
from preimage_worker.inversion.shared_setup import Setup
from preimage_worker.inversion.state import Lanes
from preimage_worker.inversion.weights import Weights


def step(
    setup: Setup, lanes: Lanes, weights: Weights, control: Control, offsets: Sequence[Offset]
) -> tuple[Lanes, Tensor]:
    """The lanes after one step, and their terms `(lanes, 5)` before it, as `CURVE_COLUMNS`."""
    with torch.no_grad():
        squares, pull = _data(setup, lanes, weights, offsets)
        priors, gradient = _priors(setup.method, lanes.canvas, weights)
        gradient = add_crop_(gradient, offsets, pull)
        data = weights.data * squares
        terms = torch.stack((data + priors.sum(0), data, *priors, squares.sqrt()), dim=1)
        moved = _move(setup.method, lanes, gradient, weights.bound, control)
        return _keep(lanes, moved, terms[:, 0]), terms


def _data(
    setup: Setup, lanes: Lanes, weights: Weights, offsets: Sequence[Offset]
) -> tuple[Tensor, Tensor]:
    """Relative squared error, and the weighted data term's gradient on the crops."""
    crops = crop(lanes.canvas, offsets, setup.height, setup.width)
    squares, pulls = zip(
        *(
            _pass(setup, crops[some], lanes.target.of(some), weights.data[some])
            for some in setup.portions(len(crops))
        ),
        strict=True,
    )
    return torch.cat(squares), torch.cat(pulls)


def _pass(setup: Setup, crops: Tensor, target: Target, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Forwards and backwards through the representation."""
    crops = crops.detach().requires_grad_()
    with computing(setup.precision, setup.device):
        with torch.enable_grad():
            codes = setup.representation(crops)
        squares, cotangent = data_term(codes.detach(), target, weight)
        (pull,) = torch.autograd.grad(codes, crops, cotangent.to(codes.dtype))
    return squares, pull


def _priors(method: Method, canvas: Tensor, weights: Weights) -> tuple[Tensor, Tensor]:
    """Weighted priors `(2, lanes)`, and their common gradient."""
    bounded, smooth = weights.alpha_norm, weights.total_variation
    norm, gradient = alpha_norm(canvas, bounded.prior, isotropic=method.isotropic)
    variation, slope = total_variation(canvas, smooth.prior, weights.inside)
    gradient *= bounded.weight[:, None, None, None]
    gradient.addcmul_(slope, smooth.weight[:, None, None, None])
    return torch.stack((bounded.weight * norm, smooth.weight * variation)), gradient


def _move(method: Method, lanes: Lanes, gradient: Tensor, bound: Tensor, control: Control) -> Lanes:
    """The optimiser's update."""
    update, buffers = method.transform.update(gradient, lanes.buffers, control)
    canvas = lanes.canvas + update
    if method.retract is not None:
        canvas = method.retract(canvas, bound)
    return lanes._replace(canvas=canvas, buffers=buffers)


def _keep(before: Lanes, after: Lanes, objective: Tensor) -> Lanes:
    """Remember the canvas that was just measured, in lanes where the objective was finite.

    A lane that is no longer finite runs on until the boundary: lanes do not touch each other.
    """
    alive = before.alive & objective.isfinite()
    kept = torch.where(alive[:, None, None, None], before.canvas, before.kept)
    return after._replace(kept=kept, alive=alive)
