"""How much an audit may spend on its attacks: the numbers, for frontends and auditors alike."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import log
from types import MappingProxyType
from typing import Final, final

from preimage.v1 import audit_pb2 as wire
from preimage_orders.rungs import inverts_once

_LEAST_BUDGETS: Final = 3
"""A plateau takes two doublings that do not help."""


@final
@dataclass(frozen=True, slots=True)
class Effort:
    """The budget of every attack of an audit."""

    name: str
    steps: int
    """Of the first budget."""

    doublings: int
    """At most: the budget doubles until that has stopped to help."""

    prior_factors: tuple[float, ...]
    """What the preset's prior weights are multiplied by, each in an attack of its own."""

    restarts: int
    """Of each inversion, from other noise."""

    probes: int
    """Random vectors for each picture in the bounds of noise."""

    control_pictures: int
    """Of the known-answer control, at most."""

    @property
    def budgets(self) -> tuple[int, ...]:
        """Steps of an inversion at first, and after each doubling."""
        return tuple(self.steps * 2**doubling for doubling in range(self.doublings + 1))

    @property
    def single(self) -> "Effort":
        """One inversion of the first budget, with the priors that are nearest to the preset's."""
        nearest = min(self.prior_factors, key=lambda factor: abs(log(max(factor, 1e-30))))
        return replace(self, doublings=0, prior_factors=(nearest,), restarts=1)

    @property
    def least_budgets(self) -> tuple[int, ...]:
        """Those that are spent in any case."""
        return self.budgets[:_LEAST_BUDGETS]


QUICK: Final = Effort(
    name="quick",
    steps=50,
    doublings=2,
    prior_factors=(1e-3, 1e-1),
    restarts=1,
    probes=4,
    control_pictures=4,
)
"""For a first look."""

STANDARD: Final = Effort(
    name="standard",
    steps=100,
    doublings=5,
    prior_factors=(1e-3, 1e-2, 1e-1, 1.0),
    restarts=1,
    probes=16,
    control_pictures=12,
)
"""The least that a verdict of absence takes."""

THOROUGH: Final = Effort(
    name="thorough",
    steps=100,
    doublings=7,
    prior_factors=(1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0),
    restarts=3,
    probes=64,
    control_pictures=24,
)
"""For decisions that are hard to take back."""

EFFORTS: Final[Mapping[wire.AuditProfile.ValueType, Effort]] = MappingProxyType(
    {
        wire.AUDIT_PROFILE_UNSPECIFIED: QUICK,
        wire.AUDIT_PROFILE_QUICK: QUICK,
        wire.AUDIT_PROFILE_STANDARD: STANDARD,
        wire.AUDIT_PROFILE_THOROUGH: THOROUGH,
    }
)
"""By the wire's profile."""


def effort_of(spec: wire.AuditSpec) -> Effort:
    """The profile's, with what the specification says of its own."""
    effort, own = EFFORTS[spec.profile], spec.budget
    effort = replace(
        effort,
        steps=own.steps if own.HasField("steps") else effort.steps,
        doublings=own.doublings if own.HasField("doublings") else effort.doublings,
        restarts=own.restarts if own.HasField("restarts") else effort.restarts,
    )
    return effort.single if inverts_once(spec) else effort
