"""One picture's code inverted by a preset, with what the benchmarks report of it."""

import math
import time
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
    canvas = pictures.canvas(pictures.to_levels(pixels, phi.channels), phi.mean)
    with torch.no_grad():
        return phi(torch.from_numpy(canvas)[None].to(device))[0].float().cpu()


def invert(
    phi: Representation, pixels: Pixels, preset: str, device: torch.device, *, seed: int = 0
) -> Inverted:
    """Finds the picture again from its code, by the preset's whole schedule."""
    height, width = pixels.shape[:2]
    settings = presets.resolve(preset, phi, height, width)
    problem = Problem(encode(phi, pixels, device), height, width, settings, seed=seed)
    started = time.perf_counter()
    batch = LaneBatch.empty(
        phi,
        settings.family,
        height,
        width,
        device=device,
        loss=settings.loss,
        coordinates=settings.coordinates,
    ).join([problem])
    while True:
        batch, report = batch.run(_STEPS_AT_ONCE)
        (lane,) = report.lanes
        if lane.outcome:
            break
    (found,) = batch.pictures([0])
    seconds = time.perf_counter() - started
    (measured,) = batch.measure([0])
    delivered = to_pixels(found, phi.mean).cpu().numpy()
    return Inverted(
        pixels=delivered[0] if len(delivered) == 1 else delivered.transpose(1, 2, 0),
        objective=lane.objective,
        relative_error=measured.relative_error,
        relative_error_delivered=measured.relative_error_delivered,
        psnr_db=_psnr_db(delivered, pictures.to_levels(pixels, phi.channels)),
        passes=lane.network_passes,
        seconds=seconds,
    )


def _psnr_db(delivered: Pixels, levels: np.ndarray) -> float:
    noise = float(np.mean((delivered.astype(np.float64) - levels) ** 2))
    return 10 * math.log10(255**2 / noise) if noise else math.inf
