"""The first canvas of a lane: noise by the preset's law, decided by seed and restart alone.

Drawn on the CPU whatever the device is, so that every device starts from the same picture. Never
reads the target: a start near it would measure memory, not the code. Only a problem that measures
no error, a caricature, brings a start of its own.
"""

import torch
from torch import Tensor
from torch.nn import functional

from preimage_worker.inversion.coordinates import COLOURS, to_pixels
from preimage_worker.inversion.counter import hash64
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.settings import Basis, Coordinates, Start

FAINT = 5.0
"""Grey levels of the noise where what nobody asks for shall stay grey."""

_MAP_DIMENSIONS = 3
_STREAM = 0x5354415254  # keeps these draws apart from the jitter's counters


def draw(problem: Problem, shape: tuple[int, int, int]) -> Tensor:
    """The problem's first canvas `(channels, rows, columns)` in grey levels, float32, on the CPU.

    Of the problem only seed, restart and the settings' law and amplitude are read; or its own
    start, in the centre, its edges repeated over the room for jitter. Of families that descend also
    whether the mask leaves positions out: what only the priors see there keeps much of its start,
    so that it is faint and smooth.
    """
    if problem.start is not None:
        return _surrounded(problem.start.detach().float().cpu(), shape)
    counters = hash64(problem.seed, problem.restart, _STREAM)
    generator = torch.Generator().manual_seed(counters >> 1)
    law, amplitude = _law(problem)
    if law is Start.NATURAL:
        return amplitude * natural_noise(shape, generator)
    if law is Start.NORMAL:
        noise = torch.randn(shape, generator=generator)
        return noise * (amplitude / noise.square().mean().sqrt())
    noise = 2 * torch.rand(shape, generator=generator) - 1
    # Not torch.quantile, which refuses more than 16 million elements.
    rank = max(1, round(0.95 * noise.numel()))
    return noise * (amplitude / noise.flatten().kthvalue(rank).values)


def _law(problem: Problem) -> tuple[Start, float]:
    if problem.settings.family.descends and _leaves_positions_out(problem):
        return Start.NATURAL, FAINT
    return problem.settings.start, problem.settings.start_amplitude


def _leaves_positions_out(problem: Problem) -> bool:
    """Of codes with rows and columns: whether no channel of some position counts."""
    if problem.mask is None or problem.target.ndim != _MAP_DIMENSIONS:
        return False
    return bool((problem.mask.expand(problem.target.shape) == 0).all(0).any())


def natural_noise(shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """Normal noise with the spectrum of natural pictures, of root mean square 1.

    With three channels it has their colours too.
    """
    likeness = Coordinates(Basis.FOURIER, decorrelated=shape[0] == COLOURS)
    noise = to_pixels(torch.randn(shape, generator=generator)[None], likeness)[0]
    return noise / noise.square().mean().sqrt()


def _surrounded(picture: Tensor, shape: tuple[int, int, int]) -> Tensor:
    down, across = shape[1] - picture.shape[1], shape[2] - picture.shape[2]
    room = (across // 2, across - across // 2, down // 2, down - down // 2)
    return functional.pad(picture[None], room, mode="replicate")[0]
