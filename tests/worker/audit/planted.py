"""Attackers whose knowledge is known: they return what they are told to."""

from collections.abc import Callable, Sequence

import numpy as np

from preimage_worker.audit.inverter import Attempt, Found
from preimage_worker.audit.plan import AuditPlan, Levels

Answer = Callable[[Attempt, int], Levels]
"""The picture for an attempt on the target of this number."""


def picture_of(attempt: Attempt) -> int:
    return int(attempt.name.split("/")[3])


class Planted:
    """Brings the error of the code from 1 to `end_error`, whatever it returns."""

    def __init__(self, answer: Answer, end_error: float = 0.1) -> None:
        self.answer, self.end_error = answer, end_error
        self.sets: list[tuple[Attempt, ...]] = []

    @property
    def names(self) -> list[str]:
        """Of all attempts so far."""
        return [each.name for some in self.sets for each in some]

    def invert(self, attempts: Sequence[Attempt]) -> list[Found]:
        self.sets.append(tuple(attempts))
        return [
            Found(self.answer(each, picture_of(each)), 1.0, self.end_error) for each in attempts
        ]


def original(plan: AuditPlan) -> Answer:
    return lambda _, picture: plan.targets[picture]


def mean_picture(plan: AuditPlan) -> Answer:
    """Of the auxiliary pictures, but on the control layer the original."""
    mean = np.rint(plan.auxiliary.mean(0)).astype(np.uint8)

    def answer(attempt: Attempt, picture: int) -> Levels:
        return plan.targets[picture] if attempt.layer == plan.control_layer else mean

    return answer


def noisy(plan: AuditPlan, strength: Callable[[Attempt], float]) -> Answer:
    """The original with so much noise, in grey levels."""

    def answer(attempt: Attempt, picture: int) -> Levels:
        drawn = np.random.default_rng(picture).normal(size=plan.targets[picture].shape)
        found = plan.targets[picture] + strength(attempt) * drawn
        return np.clip(np.rint(found), 0, 255).astype(np.uint8)

    return answer
