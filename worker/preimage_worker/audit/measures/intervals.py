"""95 % intervals: Wilson's for rates, the bootstrap's for everything else."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, ndtr, stdtrit

from preimage_worker.audit.measures import draws
from preimage_worker.audit.measures.pictures import Floats

CONFIDENCE = 0.95
RESAMPLES = 2000
"""With these the limits of a mean move by about 2 % of the interval from seed to seed."""

Statistic = Callable[[Floats], Floats]
"""Reduces the last axis."""

_BOOTSTRAP = 1
_ELEMENTS_AT_ONCE = 1 << 22
_ROUNDING = 1e-9


@final
@dataclass(frozen=True)
class Interval:
    """A figure and the limits between which it would be found in 95 of 100 such samples."""

    estimate: float
    lower: float
    upper: float


def wilson(successes: float, trials: int, confidence: float = CONFIDENCE) -> Interval:
    """The score interval of a rate: Wilson 1927, equation for p with the limits as its roots.

    0 of 24 has an upper limit of 13.8 %, 0 of 100 of 3.7 %.

    Args:
        successes: how many; with ties shared it need not be whole.
        trials: of how many.
        confidence: of both sides together.

    Raises:
        ValueError: there are no trials, or more successes than trials.
    """
    if trials < 1 or not 0 <= successes <= trials + _ROUNDING:
        raise ValueError(f"a rate needs trials, and 0 to all of them: {successes} of {trials}")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate = min(successes / trials, 1.0)
    centre = (rate + z**2 / (2 * trials)) / (1 + z**2 / trials)
    spread = rate * (1 - rate) / trials + z**2 / (4 * trials**2)
    half = z / (1 + z**2 / trials) * float(np.sqrt(spread))
    lower = 0.0 if successes <= 0 else max(centre - half, 0.0)
    upper = 1.0 if successes >= trials else min(centre + half, 1.0)
    return Interval(rate, lower, upper)


def rate(hits: ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """The mean of hits between 0 and 1, one a picture, with Wilson's limits."""
    values = np.asarray(hits, np.float64)
    return wilson(float(values.sum()), values.size, confidence)


def at_least(successes: float, trials: int, chance: float) -> float:
    """P(X ≥ successes) for `trials` draws that each succeed by `chance`: the exact binomial tail.

    Wilson's lower limit is too high near 0: 3 of 100 lie above a chance of 1 % by it, which happens
    in 8 % of all samples. Successes that ties have shared are rounded down.
    """
    whole = int(successes + _ROUNDING)
    return float(betainc(whole, trials - whole + 1, chance)) if whole > 0 else 1.0


def bootstrap(
    values: Floats,
    statistic: Statistic,
    *,
    seed: int,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Interval:
    """The expanded percentile interval of a statistic over pictures: Efron 1979; Hesterberg 2015.

    The same seed resamples the same pictures, whatever their values: intervals of two figures of
    one set are of the same resamples. One picture, or equal values, have an interval without
    width: that so few say little is for the verdict to say. Of two the limits are the two values.

    Args:
        values: `(n,)`, one a picture, finite.
        statistic: such as the mean; reduces the last axis.
        seed: of the resampling.
        resamples: how many.
        confidence: of both sides together.

    Raises:
        ValueError: there are no values, or not all are finite.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
        raise ValueError("an interval needs finite values, one a picture, at least one")
    chosen = draws.indices(seed, _BOOTSTRAP, (resamples, values.size), values.size)
    rows = max(1, _ELEMENTS_AT_ONCE // values.size)
    found = np.concatenate(
        [statistic(values[chosen[start : start + rows]]) for start in range(0, resamples, rows)]
    )
    tail = _expanded((1 - confidence) / 2, values.size)
    lower, upper = np.quantile(found, [tail, 1 - tail])
    return Interval(float(statistic(values)), float(lower), float(upper))


def _expanded(tail: float, pictures: int) -> float:
    """The tail of resamples that stands for this tail of samples, where there are few.

    A mean's resamples spread by z·s·√((n − 1)/n) / √n, and its interval is t·s / √n: Hesterberg,
    "What Teachers Should Know About the Bootstrap", The American Statistician 69(4), 2015.
    """
    if pictures == 1:
        return tail
    t = stdtrit(pictures - 1, tail)
    return float(ndtr(t * math.sqrt(pictures / (pictures - 1))))
