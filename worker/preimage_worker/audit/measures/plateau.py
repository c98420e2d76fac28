"""Whether a larger budget would still recover more: the test by doubling.

An attack that was stopped early looks like privacy: the same codes gave 13.0 dB after 20 steps, the
mean picture's, and 42.2 dB after 2,500. So absence is believed only where doubling the budget has
stopped to help, twice in a row, because recovery often starts with a flat stretch. The values are
PSNR in dB, which is unclipped: an FVE that is clipped at 0 is flat while an attack is on its way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import final

import numpy as np

from preimage_worker.audit.measures import intervals
from preimage_worker.audit.measures.intervals import Interval
from preimage_worker.audit.measures.pictures import Floats

TOLERANCE_DB = 0.2
"""Of the mean gain in PSNR by one doubling. A layer that ended 1.4 dB over the mean picture had
gained 0.22 dB a doubling while it was still 1.4 dB below."""
FLAT_DOUBLINGS = 2
"""In a row, at the end."""


@final
@dataclass(frozen=True)
class Plateau:
    """What the doublings did."""

    budgets: tuple[int, ...]
    """Ascending, each at least twice the one before."""
    gains: tuple[Interval, ...]
    """Mean gain over pictures by each doubling, with its interval; one less than budgets."""
    tolerance: float
    reached: bool
    sentence: str
    """Why, for people."""


def plateau(
    budgets: Sequence[int],
    values: Floats,
    *,
    seed: int,
    tolerance: float = TOLERANCE_DB,
    doublings: int = FLAT_DOUBLINGS,
) -> Plateau:
    """Whether the last doublings helped by no more than the tolerance.

    A doubling counts as flat where the *upper* limit of its mean gain is within the tolerance: few
    pictures that scatter show no plateau. A single budget never is one.

    Args:
        budgets: in steps; each at least twice the one before.
        values: `(budgets, n)`, in dB (of anything else: say nothing of the sentence), higher is
            better, of the same n pictures.
        seed: of the intervals.
        tolerance: in the unit of the values.
        doublings: how many, at the end, have to be flat.

    Raises:
        ValueError: budgets are not doubled, or there is not one row of values a budget.
    """
    steps = tuple(budgets)
    _check(steps, values, doublings)
    gains = tuple(
        intervals.bootstrap(after - before, lambda gain: gain.mean(-1), seed=seed)
        for before, after in pairwise(values)
    )
    last = gains[-doublings:]
    reached = len(last) == doublings and all(gain.upper <= tolerance for gain in last)
    return Plateau(steps, gains, tolerance, reached, _sentence(steps, last, tolerance, doublings))


def _sentence(steps: tuple[int, ...], last: Sequence[Interval], tolerance: float, need: int) -> str:
    if len(last) < need:
        doubled = f"was {'doubled once' if last else 'not doubled'}"
        return (
            f"The budget {doubled}, with {steps[-1]} steps at last; a plateau shows after {need} "
            "doublings that do not help."
        )
    worst = max(last, key=lambda gain: gain.upper)
    if worst.upper <= tolerance:
        return (
            f"Doubling the budget to {steps[-1]} steps has stopped to help: by at most "
            f"{worst.upper:.2g} dB with 95 % confidence, within {tolerance:g} dB."
        )
    if worst.estimate <= tolerance:
        return (
            f"Doubling the budget up to {steps[-1]} steps may still help: it brought "
            f"{worst.estimate:.2g} dB, with 95 % confidence up to {worst.upper:.2g} dB, where a "
            f"plateau allows {tolerance:g} dB."
        )
    return (
        f"Doubling the budget up to {steps[-1]} steps still helped, by {worst.estimate:.2g} dB "
        f"(with 95 % confidence at most {worst.upper:.2g} dB), more than {tolerance:g} dB."
    )


def _check(steps: tuple[int, ...], values: Floats, doublings: int) -> None:
    if doublings < 1:
        raise ValueError("a plateau takes one doubling at least: one budget shows none")
    if values.ndim != 2 or len(values) != len(steps) or values.size == 0:  # noqa: PLR2004 - axes
        raise ValueError(f"{len(steps)} budgets with values {values.shape}: (budgets, pictures)")
    if steps[0] <= 0 or any(after < 2 * before for before, after in pairwise(steps)):
        raise ValueError(f"each budget is at least twice the one before, not {steps}")
    if not np.isfinite(values).all():
        raise ValueError("a value is not a finite number: leave out what diverged, and say so")
