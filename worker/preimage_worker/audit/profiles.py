"""How much an audit spends on its attacks.

A verdict of absence is one about attacks that were strong enough, so it needs at least what
STANDARD has: a first budget from which doubling means something (recovery often starts with a flat
stretch, in which twice nothing is still nothing), and priors from nearly none to the published
ones. How often the budget may be doubled is left free: whether that was enough is for the plateau
to show.
"""

from dataclasses import dataclass, replace
from math import log
from typing import final

from preimage_worker.audit.errors import PlanError

_MOST_STEPS = 10_000_000
_SUFFICIENT_STEPS = 100
_SUFFICIENT_FACTORS = frozenset({1e-3, 1e-2, 1e-1, 1.0})


@final
@dataclass(frozen=True)
class Profile:
    """The budget of every attack. Change a field with `dataclasses.replace`."""

    name: str
    """For people; says nothing about the rest."""
    steps: int
    """Of the first budget, at least 1."""
    doublings: int
    """At most; the budget is doubled until that has stopped to help."""
    prior_factors: tuple[float, ...]
    """Of the sweep: what the preset's prior weights are multiplied by."""
    restarts: int
    """Of each, from other noise."""
    probes: int
    """K: random vectors for each picture in the bounds of noise."""
    control_pictures: int
    """Of the known-answer control, at most."""

    def __post_init__(self) -> None:
        least_one = (self.steps, self.restarts, self.probes, self.control_pictures)
        if min(least_one) < 1 or self.doublings < 0:
            raise PlanError(
                f"The profile {self.name!r} has a number of steps, restarts, probes or control "
                "pictures below 1, or of doublings below 0; use at least that."
            )
        if self.budgets[-1] > _MOST_STEPS:
            raise PlanError(
                f"The profile {self.name!r} doubles {self.steps} steps {self.doublings} times, to "
                f"{self.budgets[-1]}; stay within {_MOST_STEPS}."
            )
        factors = self.prior_factors
        if not factors or len(set(factors)) < len(factors) or not min(factors) >= 0:
            raise PlanError(
                f"The profile {self.name!r} has the prior factors {factors}; use one or more "
                "different ones, none below 0."
            )

    @property
    def title(self) -> str:
        """The name; with a word where it is a known one's and the numbers are not."""
        known = PROFILES.get(self.name, self)
        return self.name if known == self else f"{self.name}, changed"

    @property
    def single(self) -> "Profile":
        """One inversion of the first budget, with the priors that are nearest to the preset's."""
        nearest = min(self.prior_factors, key=lambda factor: abs(log(max(factor, 1e-30))))
        return replace(self, doublings=0, prior_factors=(nearest,), restarts=1)

    @property
    def budgets(self) -> tuple[int, ...]:
        """Steps of the first attack, and after each doubling."""
        return tuple(self.steps * 2**doubling for doubling in range(self.doublings + 1))

    @property
    def suffices(self) -> bool:
        """Whether an absence may be concluded: see the top of this module."""
        return self.steps >= _SUFFICIENT_STEPS and set(self.prior_factors) >= _SUFFICIENT_FACTORS


QUICK = Profile(
    name="quick",
    steps=50,
    doublings=2,
    prior_factors=(1e-3, 1e-1),
    restarts=1,
    probes=4,
    control_pictures=4,
)
"""For a first look; shows what leaks easily, and never an absence."""
STANDARD = Profile(
    name="standard",
    steps=100,
    doublings=5,
    prior_factors=(1e-3, 1e-2, 1e-1, 1.0),
    restarts=1,
    probes=16,
    control_pictures=12,
)
"""The least that an absence takes."""
THOROUGH = Profile(
    name="thorough",
    steps=100,
    doublings=7,
    prior_factors=(1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0),
    restarts=3,
    probes=64,
    control_pictures=24,
)
"""For decisions that are hard to take back."""

PROFILES = {each.name: each for each in (QUICK, STANDARD, THOROUGH)}
"""By name."""
