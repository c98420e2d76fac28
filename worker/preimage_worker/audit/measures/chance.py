"""FVE beside what reconstructions explain by chance: each with the originals of the others.

FVE is clipped at 0, picture by picture, so that one ruined reconstruction does not hide others. The
price is a mean above 0 for reconstructions that know nothing: on 32 x 32 crops of photographs a
random picture in place of each had an FVE of 0.09, and the best of seven such rungs, chosen by the
original, 0.26. What the same reconstructions explain of pictures that they are *not* of is how much
that is. It is taken off picture by picture; what is left was known about that very picture.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from preimage_worker.audit.measures import distances, intervals, summary
from preimage_worker.audit.measures.intervals import Interval
from preimage_worker.audit.measures.pictures import Floats, Reals
from preimage_worker.audit.measures.recovery import fve
from preimage_worker.audit.measures.summary import Summary


@final
@dataclass(frozen=True)
class Explained:
    """FVE of a row, and what of it is above chance."""

    fve: Summary
    over_chance: Interval
    """The mean of FVE minus chance, picture by picture: below 0 where it is worse than chance."""
    chance_mean: float
    """FVE of reconstructions with the originals of others, over all such pairs."""
    chance_worst_decile: float
    """The 90th percentile of the same."""


def cross_mse(reconstructions: Reals, originals: Reals) -> Floats:
    """`(n, n)`: the mean squared error of reconstruction i as one of original j."""
    squares = distances.squared(reconstructions, originals)
    return np.asarray(squares / originals[0].size)


def explained(
    cross: Floats, baseline_error: Floats, *, seed: int, resamples: int = intervals.RESAMPLES
) -> Explained:
    """FVE with its chance level.

    Args:
        cross: `(n, n)` of `cross_mse`; for a choice among attacks, `best.Best.table` of them.
        baseline_error: `(n,)`, the mean picture's error as a reconstruction of each original.
        seed: of the intervals.
        resamples: of the intervals.

    Returns:
        Chance is 0 for a single picture, which has no other.
    """
    n = len(cross)
    found = fve(cross, np.broadcast_to(baseline_error, cross.shape))
    own = np.diag(found).copy()
    others = found[~np.eye(n, dtype=bool)] if n > 1 else np.zeros(1)
    by_chance = (found.sum(0) - own) / max(n - 1, 1)
    return Explained(
        fve=summary.summarise(own, seed=seed, resamples=resamples),
        over_chance=intervals.bootstrap(
            own - by_chance, lambda gain: gain.mean(-1), seed=seed, resamples=resamples
        ),
        chance_mean=float(others.mean()),
        chance_worst_decile=summary.worst_decile(others),
    )
