"""What is to be audited: the model, the pictures, the defences, and how hard to try."""

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray

from preimage_worker.audit.errors import OverlapError, PlanError
from preimage_worker.audit.measures import overlap
from preimage_worker.audit.profiles import Profile
from preimage_worker.audit.subject import Independent, Subject
from preimage_worker.inversion.defences.chain import Chain
from preimage_worker.inversion.defences.grammar import spell
from preimage_worker.inversion.presets import PRESETS
from preimage_worker.inversion.representations.base import Representation

Levels = NDArray[np.uint8]
"""Pictures `(n, height, width, channels)` as 8-bit levels."""

RUNGS = ("B0", "B1", "L1", "A1", "A2", "A3", "A4")
"""Of the ladder, from the least to the most that an attacker does."""
_AXES = 4
_LISTED = 5
_MOST_RELEASES = 64  # all of them are in memory


@final
@dataclass(frozen=True, eq=False)
class AuditPlan:
    """A plan; `check` says whether it can be carried out."""

    subject: Subject
    layers: tuple[str, ...]
    """Whose codes might be shared."""
    control_layer: str
    """The shallowest layer of the model: there, without a defence, the same attack must succeed."""
    defences: tuple[Chain, ...]
    """Each is tried on each layer; the chain without stages shares codes as they are."""
    targets: Levels
    """The owner's pictures, as the model sees them: cropped and scaled."""
    auxiliary: Levels
    """Others of the same kind: what an attacker has, and what defences are fitted to."""
    profile: Profile
    seed: int = 0
    """Of all noise, starts, probes and intervals."""
    key: int = 0
    """The owner's secret of 64 bits, for keyed stages; in no report."""
    releases: int = 1
    """Of each code with fresh noise, which the receiver gets and may average."""
    preset: str = "auto"
    """Of the inversions."""
    rungs: frozenset[str] = frozenset(RUNGS)
    """Which to climb; B0 is always there, and A2 is the first step of A3. Where one is left out, no
    verdict is one of absence."""
    independent: Independent | None = None
    device: torch.device | str = "cpu"
    """Where the representations were made."""

    @property
    def effort(self) -> Profile:
        """The profile, or as much of it as is spent: of A2 alone one inversion."""
        return self.profile if self.rungs & {"A3", "A4"} else self.profile.single

    @property
    def left_out(self) -> tuple[str, ...]:
        """Rungs that are not climbed."""
        return tuple(rung for rung in RUNGS[1:] if rung not in self.rungs)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the pictures."""
        return self.targets.shape[1], self.targets.shape[2]


def check(plan: AuditPlan) -> None:
    """Raises unless the plan can be carried out.

    Raises:
        OverlapError: a target is among the auxiliary pictures, or nearly.
        PlanError: anything else; says what to change.
        inversion.errors.InversionError: a layer or a picture size that the model does not have.
    """
    _check_pictures(plan.targets, "targets", 1)
    _check_pictures(plan.auxiliary, "auxiliary", 2)
    if plan.targets.shape[1:] != plan.auxiliary.shape[1:]:
        raise PlanError(
            f"Targets have the shape {plan.targets.shape[1:]} and auxiliary pictures "
            f"{plan.auxiliary.shape[1:]}; bring both to the model's own size."
        )
    _check_choices(plan)
    for layer in (*plan.layers, plan.control_layer):
        _check_fits(plan, plan.subject.name, plan.subject.representation(layer), plan.size)
    if judge := plan.independent:
        _check_fits(plan, judge.name, judge.representation, (judge.height, judge.width))
    _check_overlap(plan)


def _check_fits(
    plan: AuditPlan, model: str, representation: Representation, size: tuple[int, int]
) -> None:
    representation.code_shape(*size)
    if representation.channels != plan.targets.shape[3]:
        raise PlanError(
            f"{model} takes pictures of {representation.channels} channels, and these have "
            f"{plan.targets.shape[3]}."
        )


def _check_pictures(pictures: Levels, name: str, least: int) -> None:
    if pictures.dtype != np.uint8 or pictures.ndim != _AXES or pictures.size == 0:
        raise PlanError(
            f"The {name} are {pictures.dtype} of shape {pictures.shape}; send 8-bit pictures, "
            "(n, height, width, channels)."
        )
    if len(pictures) < least:
        raise PlanError(f"There is {len(pictures)} of the {name}; send at least {least}.")


def _check_choices(plan: AuditPlan) -> None:
    names = [spell(chain) for chain in plan.defences]
    for what, chosen in (("layers", plan.layers), ("defences", names)):
        if not chosen or len(set(chosen)) < len(chosen):
            raise PlanError(
                f"The {what} are {', '.join(chosen) or 'none'}; name one or more, each once."
            )
    if plan.preset not in PRESETS:
        raise PlanError(f"There is no preset {plan.preset!r}; use one of {', '.join(PRESETS)}.")
    unknown = sorted(plan.rungs - set(RUNGS))
    if unknown:
        raise PlanError(f"The ladder has no rung {unknown[0]!r}; it has {', '.join(RUNGS)}.")
    if not 1 <= plan.releases <= _MOST_RELEASES:
        raise PlanError(f"{plan.releases} releases; use a number from 1 to {_MOST_RELEASES}.")


def _check_overlap(plan: AuditPlan) -> None:
    targets, auxiliary = (each / np.float32(255) for each in (plan.targets, plan.auxiliary))
    shared = overlap.find(targets, auxiliary).shared
    if shared:
        listed = "; ".join(
            f"target {each.target + 1} and auxiliary picture {each.other + 1}: {each.copy.value}"
            for each in shared[:_LISTED]
        )
        raise OverlapError(
            f"{len(shared)} of {len(plan.targets)} targets are also auxiliary pictures ({listed}; "
            "counted from 1 as they were sent, files of a folder by their names); "
            "an attacker who has the target already recovers nothing: take them out of one of the "
            "sets."
        )
