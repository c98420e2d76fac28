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
from preimage_worker.inversion.defences.coarsenings import Prune, TopK
from preimage_worker.inversion.defences.fitted import Fitted, Reading
from preimage_worker.inversion.defences.stage import Noise
from preimage_worker.inversion.objectives import Bounds, Target, data_term

ONCE: Final = "A2"
NAIVE: Final = "A3"
WEIGHING: Final = "A4 weighing"
ADAPTIVE: Final = "A4"


def naive(released: Released, rung: str = NAIVE) -> Aim:
    """Takes the first release of each code for a code of Φ."""
    codes = released.known.lift(released.targets[:, 0])
    return Aim(rung, None, tuple(Reading(code, None) for code in codes))


def adaptive(released: Released) -> Aim:
    """Puts the defence behind Φ, keeps to what it leaves open, and averages releases."""
    readings = tuple(released.known.read(each) for each in released.targets)
    return Aim(ADAPTIVE, released.known, readings)


def weighing(released: Released) -> Aim:
    """The same, where not all elements are known exactly: takes values as they are, those less."""
    known = released.known
    readings = (known.weigh(each) or known.read(each) for each in released.targets)
    return Aim(WEIGHING, known, tuple(readings))


def doubtful(chain: Chain) -> bool:
    """Whether at the end of a chain some elements are kept, and others only known to be small."""
    return bool(chain.stages) and isinstance(chain.stages[-1], TopK | Prune)


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
    """Which of the attackers the plan asks for, who knows most last; A4 as A3 where they are one.

    A2 is a step of A3, and comes by itself where neither A3 nor A4 is asked for.
    """
    if plan.rungs & {ONCE, NAIVE, ADAPTIVE} == {ONCE}:
        return (ONCE,)
    same = bool(nothing_to_know(plan, chain))
    first = plan.rungs & {ONCE, NAIVE} or (same and ADAPTIVE in plan.rungs)
    knowing = (WEIGHING, ADAPTIVE) if doubtful(chain) else (ADAPTIVE,)
    second = ADAPTIVE in plan.rungs and not same
    return ((NAIVE,) if first else ()) + (knowing if second else ())


def aims(plan: AuditPlan, released: Released) -> tuple[Aim, ...]:
    """What the attackers that the plan asks for make of what was released."""
    make: dict[str, Callable[[Released], Aim]] = {
        ONCE: partial(naive, rung=ONCE),
        NAIVE: naive,
        WEIGHING: weighing,
        ADAPTIVE: adaptive,
    }
    asked = [make[rung](released) for rung in wanted(plan, released.chain)]
    return tuple(each for each in asked if each.rung != WEIGHING or _weighs(each))


def _weighs(aim: Aim) -> bool:
    """Whether the attacker differs from the one who keeps to bounds."""
    return any(reading.mask is not None for reading in aim.readings)


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
    mask = None if reading.mask is None else reading.mask[None]
    known = reading.target if reading.mask is None else reading.target * reading.mask
    energy = known.double().square().sum().float()[None]
    target = Target(reading.target[None], mask, energy, bounds)
    return float(data_term(code, target, torch.ones(1)).achieved)
