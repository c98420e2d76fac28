"""A2, A3 and A4 of a row: what is attacked, what came out, and how the attacks went."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from preimage_worker.audit.aims import ADAPTIVE, NAIVE, ONCE, WEIGHING, aims, truth_errors
from preimage_worker.audit.appraisal import Tried
from preimage_worker.audit.inverter import Inverter
from preimage_worker.audit.material import Codes, Material, scaled
from preimage_worker.audit.measures.health import FeatureErrors, judge
from preimage_worker.audit.measures.pictures import Floats, to_levels
from preimage_worker.audit.plan import AuditPlan
from preimage_worker.audit.records import AttackReport
from preimage_worker.audit.releases import Released
from preimage_worker.audit.search import Search, search
from preimage_worker.audit.sweep import Aim, Quarry, Variant

_WORDS = {
    NAIVE: "Inverts the code as if there were no defence, with a sweep of priors and budgets.",
    ADAPTIVE: "The same, knowing the defence: inverts layer and defence together.",
    WEIGHING: "The same, but takes what was set to zero for nearly zero.",
}


@final
@dataclass(frozen=True, eq=False)
class Inverted:
    """Of one layer under one defence."""

    search: Search
    tried: tuple[Tried, ...]
    attacks: tuple[AttackReport, ...]
    """The one to judge by is the last: of the attacker who knows most."""

    @property
    def complaints(self) -> tuple[str, ...]:
        """Of the attacker to judge by, and of any other who was stopped on the way."""
        *others, last = self.attacks
        return (
            *last.complaints,
            *(each for one in others for each in nearing(self.search, one.rung)),
        )


def quarry(material: Material, codes: Codes, released: Released, of: tuple[Aim, ...]) -> Quarry:
    """The material's targets, seen by these attackers."""
    return Quarry(
        layer=codes.layer,
        defence=released.name,
        originals=material.targets,
        mean_picture=to_levels(material.mean_picture),
        mean_picture_mse=material.mean_picture_mse,
        aims=of,
    )


def invert(
    material: Material, codes: Codes, released: Released, inverter: Inverter
) -> Inverted | None:
    """Attacks all pictures; None where the plan asks for no inversion."""
    of = aims(material.plan, released)
    if not of:
        return None
    found = search(material.plan, quarry(material, codes, released, of), inverter)
    return Inverted(
        search=found,
        tried=(
            *_single(material.plan, found),
            *(_swept(found, aim.rung) for aim in of if aim.rung != ONCE),
        ),
        attacks=tuple(_attack(found, aim, codes) for aim in of),
    )


def _single(plan: AuditPlan, found: Search) -> Iterator[Tried]:
    """A2: of the first budget the strength of the priors nearest to the preset's own."""
    ones = [each for each in found.first.single if each.rung in {ONCE, NAIVE}]
    if ones and ONCE in plan.rungs:
        one = min(ones, key=lambda each: abs(np.log(max(each.prior_factor, 1e-30))))
        words = "Inverts the code once, with fixed weights."
        yield Tried("A2", words, _choice(one, found.first.steps), scaled(one.pictures))


def _swept(found: Search, rung: str) -> Tried:
    best = found.best.best(rung)
    choice = (
        f"{_choice(best, found.best.steps)} The prior factor is one for all pictures, the best of "
        f"{len(found.best.of(rung))} by the originals; restarts by the error of the code."
    )
    return Tried(rung, _WORDS[rung], choice, scaled(best.pictures))


def _choice(of: Variant, steps: int) -> str:
    return f"Prior factor {of.prior_factor:g}, {steps} steps."


def _attack(found: Search, aim: Aim, codes: Codes) -> AttackReport:
    report = attack(found.best.of(aim.rung), truth_errors(aim, codes))
    return replace(report, complaints=(*report.complaints, *nearing(found, aim.rung)))


def nearing(found: Search, rung: str) -> tuple[str, ...]:
    """What is to be said where the last doubling still helped an attacker."""
    if rung not in found.nearing:
        return ()
    before, after = (each[rung] for each in found.errors[-2:])
    said = (
        f"The last doubling still brought pictures nearer to their codes: the median feature error "
        f"of {rung} went from {before:.3g} to {after:.3g}."
    )
    return (said,)


def attack(variants: list[Variant], truth: Floats) -> AttackReport:
    """How one attacker's inversions went: of each picture by the one that came nearest its code."""
    there = np.isfinite(truth)
    ends = np.stack([each.end_error for each in variants])[:, there]
    nearest = np.nan_to_num(ends, nan=np.inf).argmin(0)
    starts = np.stack([each.start_error for each in variants])[:, there]
    pictures = np.arange(ends.shape[1])
    start, end = starts[nearest, pictures], ends[nearest, pictures]
    complaints: tuple[str, ...] = ("No code left anything to attack.",)
    if len(pictures):
        complaints = judge(FeatureErrors(start, end, truth[there])).complaints
    return AttackReport(
        rung=variants[0].rung,
        pictures=len(pictures),
        start_error=_median(start),
        end_error=_median(end),
        truth_error=_median(truth[there]) or 0.0,
        diverged=int(np.isnan(end).sum()),
        complaints=complaints,
    )


def _median(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else None
