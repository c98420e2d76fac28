"""What a reference set holds of a layer, and the three errors that come of it.

The distances themselves are kept as quantiles, so a set is small whatever the number of pictures,
and neither pictures nor codes can be read from it.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray

QUANTILES = 1001
"""Kept of the distances: a percentile is known to a tenth of a per cent."""


@final
@dataclass(frozen=True)
class Calibrated:
    """A distance between two codes, compared with those of unrelated pictures."""

    paper_2015: float
    """‖Φ(x) − Φ₀‖ / N, N the mean distance: Mahendran & Vedaldi 2015, section 5 as printed."""
    released_2015: float
    """‖Φ(x) − Φ₀‖² / N², N² the mean squared distance over all ordered pairs, a picture with
    itself included: the code released with the paper."""
    percentile: float
    """Share of pairs of different pictures whose codes are closer, 0 to 1."""


@final
@dataclass(frozen=True)
class Reference:
    """Distances between the codes of natural pictures, in one layer, at one picture size."""

    model: str
    """Name in the catalogue of whoever built it: for people."""
    model_digest: str
    """Of architecture, weights and preprocessing: what it is valid for."""
    layer: str
    height: int
    """Of the pictures as the representation saw them."""
    width: int
    pictures: int
    """How many."""
    pictures_digest: str
    """Of their pixels, so that sets of the same pictures can be told."""
    mean_distance: float
    """N: over all pairs of different pictures."""
    mean_squared_distance: float
    """N²: over all ordered pairs, the zeros of each picture with itself included."""
    quantiles: tuple[float, ...]
    """Of the distances of pairs of different pictures, equally spaced from 0 to 1, ascending."""

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits of everything above."""
        facts = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(facts.encode()).hexdigest()[:16]

    def calibrate(self, distance: float) -> Calibrated:
        """The errors of two codes that are `distance` apart."""
        shares = np.linspace(0, 1, len(self.quantiles))
        return Calibrated(
            paper_2015=distance / self.mean_distance,
            released_2015=distance**2 / self.mean_squared_distance,
            percentile=float(np.interp(distance, self.quantiles, shares)),
        )


@final
@dataclass(frozen=True)
class Spread:
    """The numbers of a `Reference` that come of distances alone."""

    mean_distance: float
    mean_squared_distance: float
    quantiles: tuple[float, ...]


def summarise(distances: NDArray[np.float64]) -> Spread:
    """The numbers of `(n, n)` distances between n ≥ 2 codes; raises ValueError where all are 0."""
    n = len(distances)
    pairs = distances[np.triu_indices(n, k=1)]
    if not (math.isfinite(pairs.sum()) and pairs.max() > 0):
        raise ValueError("the codes of all pictures are equal, or are not finite numbers")
    return Spread(
        mean_distance=float(pairs.mean()),
        mean_squared_distance=float(2 * (pairs**2).sum() / n**2),
        quantiles=tuple(np.quantile(pairs, np.linspace(0, 1, QUANTILES)).tolist()),
    )


def find(
    references: Sequence[Reference], model_digest: str, layer: str, height: int, width: int
) -> Reference | None:
    """The one for this layer and size; None where there is none."""
    wanted = (model_digest, layer, height, width)
    return next((each for each in references if key(each) == wanted), None)


def key(reference: Reference) -> tuple[str, str, int, int]:
    """What it is valid for: model digest, layer, height, width."""
    return reference.model_digest, reference.layer, reference.height, reference.width
