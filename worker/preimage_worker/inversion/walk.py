"""λ by itself: from strong priors to weak ones until the error is one that matters no more.

The strongest priors that a code allows make the most natural picture. How much error they may cost
is the layer's to say: what changes of a code when its picture is rounded to 8 bits cannot be seen
in any delivered picture. So a lane walks down a ladder of strengths, each from where the one before
left off, and ends at the first whose error is within a multiple of that floor and a small
allowance.
"""

from dataclasses import dataclass, replace
from typing import final

from preimage_worker.inversion.settings import Segment, require

FACTORS = tuple(10 ** (1.5 - number / 2) for number in range(8))
"""Of all priors' weights, from 30 down to 0.01, two to a decade."""
_FIRST_SHARE, _LATER_SHARE = 0.5, 0.2  # of the preset's steps


@final
@dataclass(frozen=True)
class Walk:
    """What ends the walk."""

    noise_multiple: float = 2.0
    """Multiple of the noise floor."""
    least_error: float = 0.02
    """Added to it, relative error."""

    def __post_init__(self) -> None:
        require("the multiple of the noise floor", self.noise_multiple, 0, 1e6)
        require("the least error", self.least_error, 0, 1e6)


@final
@dataclass(frozen=True)
class Waypoint:
    """Where one strength led."""

    factor: float
    """Of the priors' weights."""
    relative_error: float
    """Of the float picture."""
    noise_floor: float
    """‖m∘(Φ(x) − Φ(x in 8 bits))‖ / ‖m∘Φ₀‖."""

    def allowed(self, walk: Walk) -> float:
        """The error up to which the walk may end here."""
        return walk.noise_multiple * self.noise_floor + walk.least_error

    def within(self, walk: Walk) -> bool:
        """Whether it may."""
        return self.relative_error <= self.allowed(walk)


def ladder(segment: Segment) -> tuple[Segment, ...]:
    """A schedule of one segment as one of all strengths: half of it, then a fifth for each more."""

    def rung(factor: float, share: float) -> Segment:
        return replace(segment, steps=max(1, round(share * segment.steps)), prior_factor=factor)

    first, *later = FACTORS
    return (rung(first, _FIRST_SHARE), *(rung(factor, _LATER_SHARE) for factor in later))
