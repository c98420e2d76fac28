"""What attackers reach who know nothing, or only the model: the lowest rungs of the ladder.

B0 is without information about the picture: the mean auxiliary picture, a random one, and the mean
colour. B1 gives the auxiliary picture whose code is nearest. The auxiliary pictures must not hold
the targets (`overlap`): B1 would then be linkage.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from preimage_worker.audit.measures import distances, draws
from preimage_worker.audit.measures.distances import Rows
from preimage_worker.audit.measures.pictures import Floats, Indices, Reals

_RANDOM_PICTURE = 2


@final
@dataclass(frozen=True, eq=False)
class Guess:
    """Reconstructions by pictures of the auxiliary set."""

    pictures: Reals
    """`(n, height, width, channels)`."""
    indices: Indices
    """`(n,)`: which ones they are."""


def mean_picture(auxiliary: Reals) -> Floats:
    """`(height, width, channels)`: the mean of all auxiliary pictures."""
    return np.asarray(auxiliary.mean(0, dtype=np.float64))


def mean_colour(auxiliary: Reals) -> Floats:
    """`(height, width, channels)`: everywhere the mean colour of all auxiliary pictures."""
    colour = auxiliary.mean((0, 1, 2), dtype=np.float64)
    return np.broadcast_to(colour, auxiliary.shape[1:]).copy()


def random_picture(auxiliary: Reals, count: int, *, seed: int) -> Guess:
    """For each of `count` targets an auxiliary picture by lot."""
    drawn = draws.indices(seed, _RANDOM_PICTURE, (count,), len(auxiliary))
    return Guess(auxiliary[drawn], drawn)


def nearest(released: Rows, auxiliary_codes: Rows, auxiliary: Reals) -> Guess:
    """For each released code the auxiliary picture whose code is nearest, the first of equals.

    Args:
        released: `(n, …)`, the codes under the defence.
        auxiliary_codes: `(m, …)`, of the auxiliary pictures: through the same defence where it is
            deterministic, clean where it adds noise.
        auxiliary: `(m, height, width, channels)`.

    Raises:
        ValueError: there is not one code an auxiliary picture, or codes differ in length.
    """
    if len(auxiliary_codes) != len(auxiliary):
        raise ValueError(f"{len(auxiliary_codes)} codes of {len(auxiliary)} auxiliary pictures")
    chosen = distances.squared(released, auxiliary_codes).argmin(1)
    return Guess(auxiliary[chosen], chosen)
