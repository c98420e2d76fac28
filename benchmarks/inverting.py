"""One picture's code inverted by a preset, with what the benchmarks report of it."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from torch import Tensor

from benchmarks.pictures import Pixels
from preimage_worker import pictures
from preimage_worker.inversion import presets
from preimage_worker.inversion.images import to_pixels
from preimage_worker.inversion.lanes import LaneBatch
from preimage_worker.inversion.objectives import Target, data_term
from preimage_worker.inversion.optimisers.families import method
from preimage_worker.inversion.overrides import Overrides
from preimage_worker.inversion.priors import PRIORS, Magnitude, Prior
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.representations.base import Representation

_STEPS_AT_ONCE = 50


@final
@dataclass(frozen=True, eq=False)
class Inverted:
    """A pre-image and its figures."""

    pixels: Pixels
    """As delivered: `(height, width)` or `(height, width, 3)`."""
    objective: float
    """Of the last step, measured before its update."""
    relative_error: float
    """‖Φ(x) − Φ₀‖ / ‖Φ₀‖ of the float picture."""
    relative_error_delivered: float
    """Of the 8 bits."""
    psnr_db: float
    """Of the 8 bits, against the original as the representation sees it."""
    passes: int
    """Forward and backward through the representation, counted once; the two of the final
    measurement are left out."""
    seconds: float


def encode(phi: Representation, pixels: Pixels, device: torch.device) -> Tensor:
    """Φ₀ of a picture, without a lane axis, on the CPU."""
    with torch.no_grad():
        return phi(canvas_of(phi, pixels)[None].to(device))[0].float().cpu()


def canvas_of(phi: Representation, pixels: Pixels) -> Tensor:
    """An RGB picture as Φ's canvas `(channels, height, width)`, on the CPU."""
    levels = pictures.to_levels(pixels, phi.channels)
    return torch.from_numpy(pictures.canvas(levels, phi.mean))


def invert(
    phi: Representation,
    pixels: Pixels,
    preset: str,
    device: torch.device,
    *,
    seed: int = 0,
    overrides: Overrides | None = None,
) -> Inverted:
    """Finds the picture again from its code, by the preset's whole schedule."""
    height, width = pixels.shape[:2]
    settings = presets.resolve(preset, phi, height, width, overrides)
    problem = Problem(encode(phi, pixels, device), height, width, settings, seed=seed)
    started = time.perf_counter()
    batch = batch_of(phi, [problem], device)
    while True:
        batch, report = batch.run(_STEPS_AT_ONCE)
        (lane,) = report.lanes
        if lane.outcome:
            break
    (found,) = batch.pictures([0])
    seconds = time.perf_counter() - started
    (measured,) = batch.measure([0])
    delivered = delivered_pixels(found, phi)
    return Inverted(
        pixels=delivered,
        objective=lane.objective,
        relative_error=measured.relative_error,
        relative_error_delivered=measured.relative_error_delivered,
        psnr_db=psnr_db(delivered, pixels),
        passes=lane.network_passes,
        seconds=seconds,
    )


def batch_of(phi: Representation, problems: Sequence[Problem], device: torch.device) -> LaneBatch:
    """A batch of these problems, which all have the key of the first."""
    first = problems[0]
    return LaneBatch.empty(
        phi,
        first.settings.family,
        first.height,
        first.width,
        device=device,
        loss=first.settings.loss,
        coordinates=first.settings.coordinates,
    ).join(problems)


def objective(phi: Representation, problem: Problem, picture: Tensor) -> float:
    """The problem's objective of one picture alone, without jitter or margin.

    Args:
        phi: Φ.
        problem: with the weights of all terms.
        picture: `(channels, height, width)`, canvas units, where Φ runs.
    """
    settings, canvas = problem.settings, picture[None]
    channels, height, width = picture.shape
    code, energy = problem.target.to(canvas.device)[None], canvas.new_tensor([problem.divisor])
    mask = None if problem.mask is None else problem.mask.to(canvas.device).expand_as(code[0])[None]
    weight = canvas.new_tensor([settings.data_weight])
    with torch.no_grad():
        term = data_term(phi(canvas), Target(code, mask, energy), weight, settings.loss)
        total = settings.data_weight * float(term.value)
        share = method(settings.family, settings.coordinates).share(channels, height * width)
        for name, setting in settings.priors.items():
            magnitude = Magnitude(setting.exponent, setting.isotropic)
            value, _ = PRIORS[name](canvas, Prior([magnitude], canvas.new_tensor([setting.scale])))
            total += setting.weight * share * float(value)
    return total


def delivered_pixels(picture: Tensor, phi: Representation) -> Pixels:
    """A picture in canvas units as it is delivered: `(height, width)` or `(height, width, 3)`."""
    levels = to_pixels(picture, phi.mean).cpu().numpy()
    return levels[0] if len(levels) == 1 else np.ascontiguousarray(levels.transpose(1, 2, 0))


def psnr_db(delivered: Pixels, original: Pixels) -> float:
    """Of 8 bits against an RGB picture, of grey ones against its luma; infinity for none."""
    levels = pictures.to_levels(original, 3 if delivered.ndim == 3 else 1)
    wanted = levels.transpose(1, 2, 0) if delivered.ndim == 3 else levels[0]
    noise = float(np.mean((delivered.astype(np.float64) - wanted) ** 2))
    return 10 * math.log10(255**2 / noise) if noise else math.inf
