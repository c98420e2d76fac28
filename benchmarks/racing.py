"""Lanes looked at pass for pass: how low the objective of the delivered picture is, and when.

The objective is that of the picture alone, as it would be delivered now, under one set of weights
for all presets; jitter, a preset's own schedule and what it thinks of itself do not enter.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import final

import numpy as np
import torch
from torch import Tensor

from benchmarks.canvases import delivered_pixels
from benchmarks.inverting import batch_of
from benchmarks.pictures import Pixels
from preimage_worker.inversion.lanes import LaneBatch
from preimage_worker.inversion.objectives import Target, data_term
from preimage_worker.inversion.priors import PRIORS, Magnitude, Prior
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.report import LaneReport
from preimage_worker.inversion.representations.base import Representation


@final
@dataclass(eq=False)
class Track:
    """What one lane has shown so far."""

    limits: tuple[float, ...] = ()
    """Objectives to reach."""
    first: dict[float, int] = field(default_factory=dict)
    """The first pass after which the delivered picture was at or below each limit."""
    objective_at: dict[int, float] = field(default_factory=dict)
    """After so many passes; a lane that ends earlier keeps what it delivered."""
    passes: int = 0
    """Forward-backward passes, every one counted."""
    pixels: Pixels = field(default_factory=lambda: np.empty((0, 0), np.uint8))
    """Delivered after the last pass."""

    @property
    def open(self) -> list[float]:
        """Limits not reached yet."""
        return [limit for limit in self.limits if limit not in self.first]


@final
@dataclass(frozen=True, eq=False)
class Judge:
    """What all pictures of a representation are measured by, and how long."""

    phi: Representation
    milestones: tuple[int, ...]
    """Passes after which the objective is taken down; the last one ends the race."""
    device: torch.device

    def follow(
        self, problems: Sequence[Problem], by: Sequence[Problem], tracks: Sequence[Track]
    ) -> None:
        """Runs the problems as one batch and fills the tracks.

        Args:
            problems: of the preset that runs; of one batch key.
            by: the problems whose weights make the objective that is measured.
            tracks: with the limits; one for each problem.
        """
        batch, left = batch_of(self.phi, problems, self.device), list(range(len(problems)))
        while left:
            batch, report = batch.run(self._steps([tracks[i] for i in left]))
            done = []
            for place, (index, lane) in enumerate(zip(left, report.lanes, strict=True)):
                self._look(batch, place, lane, by[index], tracks[index])
                if lane.outcome is not None or lane.network_passes >= self.milestones[-1]:
                    done.append(place)
            batch = batch.leave(done)
            left = [index for place, index in enumerate(left) if place not in done]

    def share(self, by: Problem) -> Callable[[int, int], float]:
        """How the problem's family sums priors."""
        return batch_of(self.phi, [by], self.device).setup.method.share

    def _steps(self, tracks: Sequence[Track]) -> int:
        """One at a time while anything is to be reached, else to the next milestone."""
        if any(track.open for track in tracks):
            return 1
        passes = max(track.passes for track in tracks)
        return next(each for each in self.milestones if each > passes) - passes

    def _look(
        self, batch: LaneBatch, place: int, lane: LaneReport, by: Problem, track: Track
    ) -> None:
        """Measures the picture where the lane's own objective, or a milestone, gives reason to."""
        track.passes = lane.network_passes
        last = lane.outcome is not None or track.passes >= self.milestones[-1]
        due = last or track.passes in self.milestones
        if not due and not any(lane.objective <= limit for limit in track.open):
            return
        (picture,) = batch.pictures([place])
        found = objective(self.phi, by, self.share(by), picture)
        for limit in track.open:
            if found <= limit:
                track.first[limit] = track.passes
        for milestone in self.milestones:
            if milestone == track.passes or (last and milestone > track.passes):
                track.objective_at[milestone] = found
        if last:
            track.pixels = delivered_pixels(picture, self.phi)


def objective(
    phi: Representation, problem: Problem, share: Callable[[int, int], float], picture: Tensor
) -> float:
    """The problem's objective of one picture alone, without jitter or margin.

    Args:
        phi: Φ.
        problem: with the weights of all terms.
        share: its family's, of the priors.
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
        for name, setting in settings.priors.items():
            magnitude = Magnitude(setting.exponent, setting.isotropic)
            value, _ = PRIORS[name](canvas, Prior([magnitude], canvas.new_tensor([setting.scale])))
            total += setting.weight * share(channels, height * width) * float(value)
    return total
