"""The two published recipes written straight down, one picture at a time, with autograd.

Slow, plain and independent of the product's own priors, optimisers and lanes: only start and jitter
are shared, since noise cannot be compared otherwise.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from preimage_worker.inversion.jitter import random_offset
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.start import draw


def _total_variation(x: Tensor) -> Tensor:
    across = torch.cat((x[..., 1:], x[..., -1:]), -1) - x
    down = torch.cat((x[..., 1:, :], x[..., -1:, :]), -2) - x
    return (across**2 + down**2).sum()


def _gradient(energy: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(energy(x), x)
    return gradient


def invert_2015(representation: Representation, problem: Problem, l_tv: float) -> Tensor:
    """Mahendran & Vedaldi 2015 as released: on z = σx, with `l_tv` = 2 λ_V."""
    z = draw(problem, (representation.channels, problem.height, problem.width))
    target, squared_sigma = problem.target, z.square().sum()

    def energy(z: Tensor) -> Tensor:
        data = (representation(z[None])[0] - target).square().sum() / target.square().sum()
        priors = 0.5 * l_tv * _total_variation(z) + 0.5 * 8e-10 * (z**6).sum()
        return data + priors / squared_sigma

    phases = zip(problem.settings.segments, (0.004, 0.0004, 0.00004), strict=True)
    for segment, rate in phases:
        momentum = torch.zeros_like(z)
        for _ in range(segment.steps):
            momentum = 0.9 * momentum - rate * squared_sigma * _gradient(energy, z)
            z = z + momentum
    return z


def invert_2016(representation: Representation, problem: Problem, size: int) -> Tensor:
    """Mahendran & Vedaldi 2016: a jittered phase, then one on the crop alone."""
    height, width, steps = problem.height, problem.width, problem.settings.segments
    x = draw(problem, (3, height + size - 1, width + size - 1))
    offsets = [random_offset(size, problem.seed, problem.restart, t) for t in range(steps[0].steps)]
    x = _phase_2016(representation, problem, x, offsets, height * width * 160 / 3)
    middle = (size - 1) // 2
    x = x[:, middle : middle + height, middle : middle + width]
    return _phase_2016(
        representation, problem, x, [(0, 0)] * steps[1].steps, height * width * 16 / 3
    )


def _phase_2016(
    representation: Representation,
    problem: Problem,
    x: Tensor,
    offsets: list[tuple[int, int]],
    rate: float,
) -> Tensor:
    squares, momentum, target = torch.zeros_like(x), torch.zeros_like(x), problem.target
    pixels = x.shape[-2] * x.shape[-1]
    for row, column in offsets:

        def energy(x: Tensor, row: int = row, column: int = column) -> Tensor:
            crop = x[None, :, row : row + problem.height, column : column + problem.width]
            data = (representation(crop)[0] - target).square().sum() / target.square().sum()
            bounded = ((x.square().sum(0) / 80**2) ** 3).sum() / pixels
            smooth = _total_variation(x * 6.5 / 80) / pixels
            return problem.settings.data_weight * data + bounded + smooth

        gradient = _gradient(energy, x)
        squares = 0.9 * squares + gradient**2
        momentum = 0.9 * momentum - gradient / (1 / rate + squares.sqrt())
        x = x + momentum
        x = x * (160 / x.norm(dim=0, keepdim=True)).clamp(max=1)
    return x
