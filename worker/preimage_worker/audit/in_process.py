"""Attempts carried out here, as lanes of one batch after the other."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import final

import torch

from preimage_worker.audit.inverter import BOUND, Attempt, Found
from preimage_worker.inversion.defences.defended import Defended
from preimage_worker.inversion.images import to_pixels
from preimage_worker.inversion.lanes import LaneBatch
from preimage_worker.inversion.outcome import Outcome
from preimage_worker.inversion.overrides import Overrides
from preimage_worker.inversion.presets import resolve
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.representations.base import Representation

_ERROR = -1  # the last of `CURVE_COLUMNS`


@final
class LaneInverter:
    """An `Inverter` without a queue."""

    def __init__(
        self,
        representation: Callable[[str], Representation],
        *,
        device: torch.device | str = "cpu",
        most_lanes: int = 64,
        lanes_per_pass: int | None = None,
    ) -> None:
        """How attempts are carried out.

        Args:
            representation: Φ of a layer, made for the device.
            device: where lanes run.
            most_lanes: in one batch.
            lanes_per_pass: how many go through Φ at once; None for as many as workers take, on a
                CPU one. Small pictures are done in half the time if several do, and the last bits
                of one depend on which others are in its batch then.
        """
        self._representation = representation
        self._device = torch.device(device)
        self._most_lanes = most_lanes
        self._lanes_per_pass = lanes_per_pass

    def invert(self, attempts: Sequence[Attempt]) -> list[Found]:
        """What each attempt found, in their order."""
        found: dict[str, Found] = {}
        for alike in _alike(attempts):
            for start in range(0, len(alike), self._most_lanes):
                some = alike[start : start + self._most_lanes]
                found |= zip([each.name for each in some], self._solve(some), strict=True)
        return [found[each.name] for each in attempts]

    def _solve(self, attempts: Sequence[Attempt]) -> list[Found]:
        """Of attempts which are alike."""
        first = attempts[0]
        phi = self._representation(first.layer)
        if first.defence is not None:
            phi = Defended(phi, first.defence.to(self._device))
        problems = [_problem(each, phi) for each in attempts]
        settings = problems[0].settings
        batch = LaneBatch.empty(
            phi,
            settings.family,
            first.height,
            first.width,
            device=self._device,
            loss=settings.loss,
            lanes_per_pass=self._lanes_per_pass,
        ).join(problems)
        owners, found = list(range(len(attempts))), dict[int, Found]()
        while len(batch):
            batch, report = batch.run(settings.steps)
            ended = [i for i, lane in enumerate(report.lanes) if lane.outcome is not None]
            found |= zip([owners[i] for i in ended], _found(batch, ended), strict=True)
            batch = batch.leave(ended)
            owners = [owner for i, owner in enumerate(owners) if i not in set(ended)]
        return [found[index] for index in range(len(attempts))]


def _alike(attempts: Sequence[Attempt]) -> Iterator[list[Attempt]]:
    """Attempts that can share a batch, in the order of the first of each."""
    groups: dict[tuple[object, ...], list[Attempt]] = {}
    for each in attempts:
        # Defences are compared by identity: one that was fitted twice is two.
        key = (each.layer, id(each.defence), each.height, each.width, each.preset, each.steps)
        groups.setdefault(key, []).append(each)
    yield from groups.values()


def _problem(attempt: Attempt, phi: Representation) -> Problem:
    overrides = Overrides(steps=attempt.steps, prior_factor=attempt.prior_factor, bound=BOUND)
    settings = resolve(attempt.preset, phi, attempt.height, attempt.width, overrides)
    return Problem(
        attempt.target,
        attempt.height,
        attempt.width,
        settings,
        seed=attempt.seed,
        restart=attempt.restart,
        mask=attempt.weights,
        bounds=attempt.bounds,
    )


def _found(batch: LaneBatch, lanes: Sequence[int]) -> list[Found]:
    mean = batch.setup.representation.mean
    levels = to_pixels(batch.pictures(lanes), mean).permute(0, 2, 3, 1).cpu().numpy()
    measured = batch.measure(lanes)
    return [
        Found(
            picture=picture,
            start_error=float(batch.curve(lane)[0, _ERROR]),
            end_error=math.nan
            if batch.outcome(lane) is Outcome.DIVERGED
            else measurement.relative_error_delivered,
        )
        for lane, picture, measurement in zip(lanes, levels, measured, strict=True)
    ]
