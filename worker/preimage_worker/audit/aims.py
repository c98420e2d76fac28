"""What attackers take the released codes for, and how far originals are from that."""

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np
import torch
from torch import Tensor

from preimage_worker.audit.material import Codes
from preimage_worker.audit.measures.pictures import Floats
from preimage_worker.audit.plan import AuditPlan
from preimage_worker.audit.releases import Released
from preimage_worker.audit.sweep import Aim, attackable
from preimage_worker.inversion.defences.chain import Chain
from preimage_worker.inversion.defences.fitted import Fitted, Reading
from preimage_worker.inversion.defences.stage import Noise
from preimage_worker.inversion.objectives import Bounds, Target, data_term

ONCE: Final = "A2"
NAIVE: Final = "A3"
ADAPTIVE: Final = "A4"


def naive(released: Released, rung: str = NAIVE) -> Aim:
    """Takes the first release of each code for a code of Φ."""
    codes = released.known.lift(released.targets[:, 0])
    return Aim(rung, None, tuple(Reading(code, None) for code in codes))


def adaptive(released: Released) -> Aim:
    """Puts the defence behind Φ, keeps to what it leaves open, and averages releases."""
    readings = tuple(released.known.read(each) for each in released.targets)
    return Aim(ADAPTIVE, released.known, readings)


def nothing_to_know(plan: AuditPlan, chain: Chain) -> str:
    """Why the two attackers are one; empty where they are not."""
    if not all(isinstance(each, Noise) for each in chain.stages):
        return ""
    if not chain.stages:
        return "A4 is A3 here: there is no defence to know."
    if plan.releases > 1:
        return ""
    return "A4 is A3 here: of one release of each code nothing but the noisy code can be known."


def wanted(plan: AuditPlan, chain: Chain) -> tuple[str, ...]:
    """Which of the attackers the plan asks for, A4 as A3 where they are one.

    A2 is a step of A3, and comes by itself where neither A3 nor A4 is asked for.
    """
    if plan.rungs & {ONCE, NAIVE, ADAPTIVE} == {ONCE}:
        return (ONCE,)
    same = bool(nothing_to_know(plan, chain))
    first = plan.rungs & {ONCE, NAIVE} or (same and ADAPTIVE in plan.rungs)
    second = ADAPTIVE in plan.rungs and not same
    return ((NAIVE,) if first else ()) + ((ADAPTIVE,) if second else ())


def aims(plan: AuditPlan, released: Released) -> tuple[Aim, ...]:
    """What the attackers that the plan asks for make of what was released."""
    make: dict[str, Callable[[Released], Aim]] = {
        ONCE: partial(naive, rung=ONCE),
        NAIVE: naive,
        ADAPTIVE: adaptive,
    }
    return tuple(make[rung](released) for rung in wanted(plan, released.chain))


def truth_errors(aim: Aim, codes: Codes) -> Floats:
    """Relative errors of the originals' own codes, as the attacker would measure them, `(n,)`.

    NaN where there is nothing to attack.
    """
    smooth = _smooth(aim.defence)
    return np.array(
        [
            _error(smooth(code[None]), reading) if attackable(reading.target) else np.nan
            for code, reading in zip(codes.targets, aim.readings, strict=True)
        ]
    )


def _smooth(defence: Fitted | None) -> Callable[[Tensor], Tensor]:
    return (lambda codes: codes) if defence is None else defence.smooth


def _error(code: Tensor, reading: Reading) -> float:
    bounds = reading.bounds and Bounds(*(each[None] for each in reading.bounds))
    energy = reading.target.double().square().sum().float()[None]
    target = Target(reading.target[None], None, energy, bounds)
    return float(data_term(code, target, torch.ones(1)).achieved)
