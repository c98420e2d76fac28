"""One budget: all pictures, strengths of the priors and restarts of all attackers, as one set."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
from torch import Tensor

from preimage_worker.audit.inverter import Attempt, Found, Inverter
from preimage_worker.audit.material import Pictures, scaled
from preimage_worker.audit.measures import recovery
from preimage_worker.audit.measures.pictures import Floats
from preimage_worker.audit.plan import AuditPlan, Levels
from preimage_worker.inversion.counter import hash64
from preimage_worker.inversion.defences.fitted import Fitted, Reading

_STREAM = 0x4155444954  # keeps the starts apart from others' counters


@final
@dataclass(frozen=True, eq=False)
class Aim:
    """What one attacker makes of the codes that it got."""

    rung: str
    defence: Fitted | None
    """What it puts behind Φ."""
    readings: tuple[Reading, ...]
    """One a picture."""


@final
@dataclass(frozen=True, eq=False)
class Quarry:
    """The pictures whose codes are attacked."""

    layer: str
    defence: str
    """In names of attempts."""
    originals: Pictures
    mean_picture: Levels
    """Stands for pictures whose code leaves nothing to attack."""
    mean_picture_mse: Floats
    aims: tuple[Aim, ...]


@final
@dataclass(frozen=True, eq=False)
class Variant:
    """What one attacker reached with one strength of the priors, `n` pictures."""

    rung: str
    prior_factor: float
    pictures: Levels
    start_error: Floats
    """NaN where there was nothing to attack, or it is unknown."""
    end_error: Floats
    """NaN where there was nothing to attack, or it diverged."""
    mse: Floats


@final
@dataclass(frozen=True, eq=False)
class Sweep:
    """All variants of one budget."""

    steps: int
    variants: tuple[Variant, ...]
    """Of several restarts the one counts whose code is nearest, as an attacker can tell."""
    single: tuple[Variant, ...]
    """The same, of the first restart alone."""

    @property
    def mse(self) -> Floats:
        """`(n,)`: of the best variant for each picture."""
        return np.asarray(np.min([each.mse for each in self.variants], axis=0))

    @property
    def psnr_db(self) -> Floats:
        """`(n,)`: the same."""
        return recovery.psnr_db(self.mse)

    def error(self, rung: str) -> float:
        """Median relative error of codes, of each picture the least of one attacker's variants.

        NaN where there was nothing to attack.
        """
        ends = np.stack([np.nan_to_num(each.end_error, nan=np.inf) for each in self.of(rung)])
        least = ends.min(0)
        return float(np.median(least[np.isfinite(least)])) if np.isfinite(least).any() else np.nan

    def of(self, rung: str) -> list[Variant]:
        """One attacker's."""
        return [each for each in self.variants if each.rung == rung]

    def best(self, rung: str) -> Variant:
        """One attacker's with the strength of the priors that serves its pictures best."""
        return min(self.of(rung), key=lambda each: float(each.mse.mean()))


class _Trial(NamedTuple):
    """One attempt of a budget."""

    rung: str
    factor: float
    restart: int
    picture: int


def sweep(plan: AuditPlan, quarry: Quarry, inverter: Inverter, steps: int) -> Sweep:
    """Hands all attempts of one budget over, and looks at what they found."""
    trials = dict(_attempts(plan, quarry, steps))
    found = dict(zip(trials, inverter.invert(list(trials.values())), strict=True))

    def variants(restarts: int) -> tuple[Variant, ...]:
        return tuple(
            _variant(quarry, aim.rung, factor, found, restarts)
            for aim in quarry.aims
            for factor in plan.effort.prior_factors
        )

    return Sweep(steps, variants(plan.effort.restarts), variants(1))


def attackable(target: Tensor) -> bool:
    """Whether there is anything to be near to: a code of zeros has no relative error."""
    return bool(target.double().square().sum() > 0)


def _attempts(plan: AuditPlan, quarry: Quarry, steps: int) -> Iterator[tuple[_Trial, Attempt]]:
    for aim in quarry.aims:
        trials = (
            _Trial(aim.rung, factor, restart, picture)
            for factor in plan.effort.prior_factors
            for restart in range(plan.effort.restarts)
            for picture, reading in enumerate(aim.readings)
            if attackable(reading.target)
        )
        for trial in trials:
            yield trial, _attempt(plan, quarry, aim, trial, steps)


def _attempt(plan: AuditPlan, quarry: Quarry, aim: Aim, trial: _Trial, steps: int) -> Attempt:
    parts = (quarry.layer, quarry.defence, aim.rung, trial.picture, trial.factor, steps)
    reading = aim.readings[trial.picture]
    return Attempt(
        name="/".join(map(str, (*parts, trial.restart))),
        layer=quarry.layer,
        height=plan.size[0],
        width=plan.size[1],
        target=reading.target,
        bounds=reading.bounds,
        weights=reading.mask,
        defence=aim.defence,
        preset=plan.preset,
        steps=steps,
        prior_factor=trial.factor,
        restart=trial.restart,
        seed=hash64(plan.seed, trial.picture, _STREAM) >> 1,
    )


def _variant(
    quarry: Quarry, rung: str, factor: float, found: dict[_Trial, Found], restarts: int
) -> Variant:
    trials = [
        [found.get(_Trial(rung, factor, restart, picture)) for restart in range(restarts)]
        for picture in range(len(quarry.originals))
    ]
    nearest = [_nearest(each) for each in trials]
    pictures = np.stack([quarry.mean_picture if one is None else one.picture for one in nearest])
    return Variant(
        rung=rung,
        prior_factor=factor,
        pictures=pictures,
        start_error=np.array([np.nan if one is None else one.start_error for one in nearest]),
        end_error=np.array([np.nan if one is None else one.end_error for one in nearest]),
        mse=recovery.mse(scaled(pictures), quarry.originals),
    )


def _nearest(restarts: Sequence[Found | None]) -> Found | None:
    """The restart whose code is nearest; one that diverged only if all did."""
    there = [each for each in restarts if each is not None]
    return min(there, key=lambda one: float(np.nan_to_num(one.end_error, nan=np.inf)), default=None)
