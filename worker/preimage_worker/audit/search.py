"""A3 and A4: inversions with many strengths of the priors, on a budget that is doubled.

Both attackers climb together: every budget is one set of attempts for both, and the plateau is that
of the better one for each picture.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from preimage_worker.audit.inverter import Inverter
from preimage_worker.audit.measures import recovery
from preimage_worker.audit.measures.pictures import Floats
from preimage_worker.audit.measures.plateau import Plateau, plateau
from preimage_worker.audit.plan import AuditPlan
from preimage_worker.audit.sweep import Quarry, Sweep, sweep

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
    first = best = sweep(plan, quarry, inverter, plan.profile.steps)
    values, now = [first.psnr_db], first
    for steps in plan.profile.budgets[1:]:
        if enough(recovery.fve(now.mse, quarry.mean_picture_mse)) or _plateau(plan, values).reached:
            break
        now = sweep(plan, quarry, inverter, steps)
        values.append(now.psnr_db)
        best = max(best, now, key=lambda each: float(each.psnr_db.mean()))
    return Search(first, best, _plateau(plan, values))


def _plateau(plan: AuditPlan, values: list[Floats]) -> Plateau:
    return plateau(plan.profile.budgets[: len(values)], np.stack(values), seed=plan.seed)
