"""A3 and A4: inversions with many strengths of the priors, on a budget that is doubled.

Both attackers climb together: every budget is one set of attempts for both, and the plateau is that
of the better one for each picture. Recovery often starts with a flat stretch, in which pictures are
no better yet while their codes come nearer and nearer: an attacker in the middle of that has not
stopped to help, whatever the others do. One who keeps to bounds is soon within them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from preimage_worker.audit.inverter import Inverter
from preimage_worker.audit.measures import recovery
from preimage_worker.audit.measures.pictures import Floats
from preimage_worker.audit.measures.plateau import Plateau, plateau
from preimage_worker.audit.plan import AuditPlan
from preimage_worker.audit.sweep import Quarry, Sweep, sweep

SETTLED_ERROR = 0.01
"""Of the norm of a code: what one doubling takes off the error of an attack that has ended. Attacks
that were stopped early lose 0.05 to 0.2 by a doubling, those at their end 0.005 or less."""
SATED_FVE = 0.99
"""Mean FVE from which no budget is doubled: there is nothing left to recover."""


@final
@dataclass(frozen=True, eq=False)
class Search:
    """What came out."""

    first: Sweep
    """Of the first budget."""
    best: Sweep
    """Of the budget that served best: mostly the last one."""
    plateau: Plateau
    errors: tuple[Mapping[str, float], ...]
    """Of each budget the median relative error of codes, of each attacker."""

    @property
    def nearing(self) -> frozenset[str]:
        """The attackers whose codes the last doubling brought nearer by over `SETTLED_ERROR`."""
        return _nearing(self.errors)


def sated(fve: Floats) -> bool:
    """Whether more steps could hardly recover more."""
    return bool(fve.mean() >= SATED_FVE)


def search(
    plan: AuditPlan,
    quarry: Quarry,
    inverter: Inverter,
    enough: Callable[[Floats], bool] = sated,
) -> Search:
    """Doubles the budget until that has stopped to help, or the profile ends.

    Args:
        plan: with the profile.
        quarry: what is attacked.
        inverter: carries out each budget's attempts.
        enough: whether to stop for another reason, by the FVE of the best variant for each picture.
    """
    first = best = sweep(plan, quarry, inverter, plan.effort.steps)
    rungs = [aim.rung for aim in quarry.aims]
    values, errors, now = [first.psnr_db], [_errors(first, rungs)], first
    for steps in plan.effort.budgets[1:]:
        if enough(recovery.fve(now.mse, quarry.mean_picture_mse)):
            break
        if _plateau(plan, values).reached and not _nearing(errors):
            break
        now = sweep(plan, quarry, inverter, steps)
        values.append(now.psnr_db)
        errors.append(_errors(now, rungs))
        best = max(best, now, key=lambda each: float(each.psnr_db.mean()))
    return Search(first, best, _plateau(plan, values), tuple(errors))


def _errors(of: Sweep, rungs: Sequence[str]) -> Mapping[str, float]:
    return {rung: of.error(rung) for rung in rungs}


def _nearing(errors: Sequence[Mapping[str, float]]) -> frozenset[str]:
    """None of one budget: that has no plateau either."""
    before, after = errors[-2:] if len(errors) > 1 else ({}, {})
    return frozenset(rung for rung in after if before[rung] - after[rung] > SETTLED_ERROR)


def _plateau(plan: AuditPlan, values: list[Floats]) -> Plateau:
    return plateau(plan.effort.budgets[: len(values)], np.stack(values), seed=plan.seed)
