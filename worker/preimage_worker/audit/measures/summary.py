"""A figure of many pictures as mean, median and worst decile, each with its interval.

The worst decile is that of the pictures which leak most: nine of ten leak less. A mean hides them.
"""

from dataclasses import dataclass
from enum import Enum
from typing import final

import numpy as np

from preimage_worker.audit.measures import intervals
from preimage_worker.audit.measures.intervals import Interval, Statistic
from preimage_worker.audit.measures.pictures import Floats

_DECILE = 0.1


@final
class Leak(Enum):
    """Which end of a figure means that more was recovered."""

    HIGH = "high"
    """FVE, PSNR, SSIM, reciprocal rank."""
    LOW = "low"
    """Mean squared error, LPIPS, rank."""


@final
@dataclass(frozen=True)
class Summary:
    """What is said about one figure of all pictures."""

    mean: Interval
    median: Interval
    worst_decile: Interval
    """The 90th percentile where high means leak, the 10th where low does."""
    pictures: int


def summarise(
    values: Floats,
    *,
    seed: int,
    leak: Leak = Leak.HIGH,
    resamples: int = intervals.RESAMPLES,
) -> Summary:
    """Summarises `(n,)` finite values, one a picture; raises ValueError where there are none."""

    def of(statistic: Statistic) -> Interval:
        return intervals.bootstrap(values, statistic, seed=seed, resamples=resamples)

    return Summary(
        mean=of(_mean), median=of(_median), worst_decile=of(_worst(leak)), pictures=len(values)
    )


def worst_decile(values: Floats, leak: Leak = Leak.HIGH) -> float:
    """The value that one picture of ten passes, on the side where more leaks."""
    return float(_worst(leak)(np.asarray(values, np.float64)))


def _mean(values: Floats) -> Floats:
    return np.asarray(values.mean(-1))


def _median(values: Floats) -> Floats:
    return np.asarray(np.median(values, -1))


def _worst(leak: Leak) -> Statistic:
    level = 1 - _DECILE if leak is Leak.HIGH else _DECILE
    return lambda values: np.asarray(np.quantile(values, level, axis=-1))
