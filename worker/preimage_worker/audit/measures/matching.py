"""Which of the candidates is it: re-identification of reconstructions, linkage of codes.

Re-identification looks for a reconstruction in a gallery of pictures, pixel by pixel or in the
codes of an independent model. Linkage looks for a released code among those which the attacker
computes of the candidates: through the same defence where that is deterministic, clean ones where
it adds noise.

Ties count as they would if the attacker drew lots: with t candidates at the same distance the right
one is first with 1 / t. A defence that makes all codes equal so ends at chance, neither at 1, which
an optimistic count would say, nor at 0, which would hide those that leave pairs of equal codes.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from preimage_worker.audit.measures import intervals
from preimage_worker.audit.measures.intervals import Interval
from preimage_worker.audit.measures.pictures import Floats, Indices

FEW = 5
"""Of rank-5."""
TIE = 1e-11
"""Distances that differ by less than this share of the row's largest one are equal: rounding."""


@final
@dataclass(frozen=True, eq=False)
class Ranks:
    """Where the right candidate came, `(n,)` each, expected over the drawing of lots."""

    rank: Floats
    """1 is first."""
    first: Floats
    """Probability of rank 1."""
    among_few: Floats
    """Probability of rank 1 to 5."""
    reciprocal: Floats
    """1 / rank."""
    candidates: int


@final
@dataclass(frozen=True)
class Match:
    """How often the right candidate was found, and how often without information."""

    rank1: Interval
    """Wilson's."""
    rank5: Interval
    """Wilson's."""
    reciprocal_rank: Interval
    """The mean; the bootstrap's."""
    median_rank: float
    queries: int
    candidates: int
    chance1: float
    """Rank-1 of an attacker without information: see `chance_of_first`."""
    chance5: float
    """Rank-5 of one who draws lots."""
    chance_reciprocal_rank: float
    """The same of the mean reciprocal rank: the harmonic number of the candidates, by their number.
    """


def ranks(distances: Floats, right: Indices) -> Ranks:
    """Ranks of the right candidates by distance.

    Args:
        distances: `(n, candidates)`; the smaller, the likelier.
        right: `(n,)`, the column of the right candidate of each row; no two rows share one.

    Raises:
        ValueError: `right` has another length, or names columns that there are not or twice; or a
            distance is not finite.
    """
    _check(distances, right)
    own = distances[np.arange(len(right)), right][:, None]
    slack = _slack(distances)
    nearer = (distances < own - slack).sum(1)
    tied = (np.abs(distances - own) <= slack).sum(1)
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, distances.shape[1] + 1))])
    return Ranks(
        rank=nearer + (tied + 1) / 2,
        first=_share_within(1, nearer, tied),
        among_few=_share_within(FEW, nearer, tied),
        reciprocal=(harmonic[nearer + tied] - harmonic[nearer]) / tied,
        candidates=distances.shape[1],
    )


def match(
    distances: Floats, right: Indices, *, seed: int, resamples: int = intervals.RESAMPLES
) -> Match:
    """Rates of success with intervals, and what chance gives; arguments and errors as `ranks`."""
    found = ranks(distances, right)
    candidates = found.candidates
    return Match(
        rank1=intervals.rate(found.first),
        rank5=intervals.rate(found.among_few),
        reciprocal_rank=intervals.bootstrap(
            found.reciprocal, lambda values: values.mean(-1), seed=seed, resamples=resamples
        ),
        median_rank=float(np.median(found.rank)),
        queries=len(right),
        candidates=candidates,
        chance1=chance_of_first(distances, right),
        chance5=min(FEW, candidates) / candidates,
        chance_reciprocal_rank=float(np.mean(1 / np.arange(1, candidates + 1))),
    )


def chance_of_first(distances: Floats, right: Indices) -> float:
    """Rank-1 of these same queries, if each belonged to somebody else's right candidate.

    At least one of the number of candidates. It is more where some candidates are near to
    everything: one and the same picture as the reconstruction of 10 originals finds one of them, in
    a gallery of any size.
    """
    _check(distances, right)
    n = len(right)
    blind = float(1 / distances.shape[1])
    if n == 1:
        return blind
    at_front = distances <= distances.min(1, keepdims=True) + _slack(distances)
    share = at_front / at_front.sum(1, keepdims=True)
    others = share[:, right].sum() - share[np.arange(n), right].sum()
    return max(blind, float(others) / (n * (n - 1)))


def above_chance(found: Match, level: float = 0.025) -> bool:
    """Whether rank-1 is above chance: by Wilson's lower limit and by the exact binomial tail.

    The tail is asked as well because Wilson's lower limit is too high where few are found: one of
    24 lies above a chance of 1 in 502 by it, as happens to 5 % of those who know nothing.

    Args:
        found: what was measured.
        level: of the tail; 0.025 is the lower side of a 95 % interval.
    """
    hits = found.rank1.estimate * found.queries
    by_luck = intervals.at_least(hits, found.queries, found.chance1)
    return found.rank1.lower > found.chance1 and by_luck < level


def _share_within(places: int, nearer: Indices, tied: Indices) -> Floats:
    """The share of the places of a tie which are among the first so many."""
    return np.clip((places - nearer) / tied, 0.0, 1.0)


def _slack(distances: Floats) -> Floats:
    return np.asarray(TIE * distances.max(1, keepdims=True))


def _check(distances: Floats, right: Indices) -> None:
    if distances.ndim != 2 or right.shape != distances.shape[:1] or distances.size == 0:  # noqa: PLR2004
        raise ValueError(
            f"distances {distances.shape} are (queries, candidates), with one right candidate a "
            f"query, not {right.shape}"
        )
    if not np.isfinite(distances).all():
        raise ValueError("a distance is not a finite number: the codes hold NaN or infinity")
    if right.min() < 0 or right.max() >= distances.shape[1]:
        raise ValueError(f"a right candidate is not among the {distances.shape[1]} candidates")
    if len(np.unique(right)) != len(right):
        raise ValueError("two queries have the same right candidate: average releases of one code")
