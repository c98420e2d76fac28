"""Problems solved by the engine, with what the benchmarks report of them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import torch
from torch import Tensor

from benchmarks.canvases import delivered_pixels, encode, psnr_db
from benchmarks.pictures import Pixels
from preimage_worker.inversion import presets
from preimage_worker.inversion.lanes import LaneBatch
from preimage_worker.inversion.overrides import Overrides
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.report import LaneReport, Measurement
from preimage_worker.inversion.representations.base import Representation

_STEPS_AT_ONCE = 50


class Solved(NamedTuple):
    """The end of one lane."""

    picture: Tensor
    """`(channels, height, width)`, canvas units."""
    lane: LaneReport
    measured: Measurement
    seconds: float
    """Of the whole batch, until the lane left it."""


@final
@dataclass(frozen=True, eq=False)
class Inverted:
    """A pre-image and its figures."""

    pixels: Pixels
    """As delivered: `(height, width)` or `(height, width, 3)`."""
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


def invert(
    phi: Representation,
    pixels: Pixels,
    preset: str,
    device: torch.device,
    *,
    seed: int = 0,
    overrides: Overrides | None = None,
) -> Inverted:
    """Finds a picture again from its code, by the preset's whole schedule."""
    return invert_all(phi, [pixels], preset, device, seed=seed, overrides=overrides)[0]


def invert_all(
    phi: Representation,
    originals: Sequence[Pixels],
    preset: str,
    device: torch.device,
    *,
    seed: int = 0,
    overrides: Overrides | None = None,
) -> list[Inverted]:
    """Finds pictures of one size again, as lanes of one batch."""
    height, width = originals[0].shape[:2]
    settings = presets.resolve(preset, phi, height, width, overrides)
    codes = [encode(phi, pixels, device) for pixels in originals]
    problems = [Problem(code, height, width, settings, seed=seed) for code in codes]
    pairs = zip(originals, solve(phi, problems, device), strict=True)
    return [_inverted(phi, pixels, solved) for pixels, solved in pairs]


def _inverted(phi: Representation, original: Pixels, solved: Solved) -> Inverted:
    delivered = delivered_pixels(solved.picture, phi)
    return Inverted(
        pixels=delivered,
        relative_error=solved.measured.relative_error,
        relative_error_delivered=solved.measured.relative_error_delivered,
        psnr_db=psnr_db(delivered, original),
        passes=solved.lane.network_passes,
        seconds=solved.seconds,
    )


def solve(phi: Representation, problems: Sequence[Problem], device: torch.device) -> list[Solved]:
    """Runs problems of one batch key to the end of their schedules."""
    seconds, found = 0.0, dict[int, Solved]()
    batch, left = batch_of(phi, problems, device), list(range(len(problems)))
    while left:
        started = time.perf_counter()
        batch, report = batch.run(_STEPS_AT_ONCE)
        done = [place for place, lane in enumerate(report.lanes) if lane.outcome is not None]
        pictures = batch.pictures(done)
        seconds += time.perf_counter() - started
        for place, picture, measured in zip(done, pictures, batch.measure(done), strict=True):
            found[left[place]] = Solved(picture, report.lanes[place], measured, seconds)
        batch = batch.leave(done)
        left = [index for place, index in enumerate(left) if place not in done]
    return [found[index] for index in range(len(problems))]


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
