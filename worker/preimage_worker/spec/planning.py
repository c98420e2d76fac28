"""A job as the engine runs it: everything that the specification left open, decided."""

import math
from dataclasses import dataclass, replace
from typing import final

import torch

from preimage.v1 import model_service_pb2 as models_wire
from preimage.v1 import spec_pb2 as wire
from preimage.v1 import work_pb2
from preimage_worker import pictures
from preimage_worker.errors import InvalidSpecError
from preimage_worker.inversion import presets
from preimage_worker.inversion.errors import InversionError
from preimage_worker.inversion.lanes import Precision
from preimage_worker.inversion.objectives import Bounds
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.settings import Coordinates, Family, Loss, Settings
from preimage_worker.spec.choices import (
    LOSSES,
    PRECISIONS,
    check_known,
    overrides,
    repulsion,
    stop_rule,
    walk,
)
from preimage_worker.spec.defences import behind_defence, bounds_of, defence_key, weights_of
from preimage_worker.spec.inputs import Blobs, Input, read
from preimage_worker.spec.targets import Aim, Subject, aim
from preimage_worker.spec.units import strength

_MOST_RESTARTS = 4096
"""Far more than any worker has slots; frontends take fewer. Each is an object here."""


@final
@dataclass(frozen=True)
class BatchKey:
    """What lanes must have in common to share a running batch."""

    model: str
    layer: str
    """All layers, "+" between."""
    height: int
    width: int
    family: Family
    precision: Precision
    loss: Loss
    coordinates: Coordinates
    defence: str
    """What tells the defence that the target stands behind from others; empty without one."""


@final
@dataclass(frozen=True, eq=False)
class Plan:
    """A job as the engine runs it."""

    key: BatchKey
    representation: Representation
    problems: tuple[Problem, ...]
    """One for each restart."""
    preset: str
    settings: Settings
    original: pictures.Pixels | None
    """The caller's picture at the size of the pre-image; None when a bare code was sent."""
    preview_every_steps: int
    seed: int

    @property
    def target_norm(self) -> float:
        """‖m∘Φ₀‖, the denominator of the relative error; of several layers 1."""
        return math.sqrt(self.problems[0].energy)


def layers_of(representation: wire.Representation) -> tuple[str, ...]:
    """All layers that a representation names, the first one first."""
    return representation.layer, *(each.layer for each in representation.further_layers)


def plan(
    item: work_pb2.WorkItem,
    blobs: Blobs,
    model: models_wire.Model,
    representation: Representation,
    *,
    sent: pictures.Pixels | None,
    limits: pictures.Limits,
    device: torch.device,
) -> Plan:
    """Resolves the inversion `item`, with the picture that was `sent`; raises InvalidSpecError."""
    spec = item.invert
    check_known(spec)
    given = read(item, blobs, sent, model, limits)
    loss = LOSSES[spec.objective.kind]
    preset = spec.optimiser.preset or presets.default(loss, [each.name for each in model.presets])
    size = given.height, given.width
    representation = behind_defence(representation, item, blobs, device)
    try:
        settings = presets.resolve(preset, representation, *size, overrides(spec), loss=loss)
        goal = aim(spec, given, blobs, Subject(model, representation, device))
        weights = weights_of(item, blobs)
        goal = goal if weights is None else goal._replace(mask=weights)
        problems = _problems(spec, given, settings, goal, bounds_of(item, blobs))
        problems[0].check(representation)
        if spec.objective.kind == wire.OBJECTIVE_KIND_MAXIMISE:
            scale = _scale(spec.objective, problems, representation, device)
            problems = tuple(replace(problem, scale=scale) for problem in problems)
    except InversionError as error:
        raise InvalidSpecError(str(error)) from None
    return Plan(
        _key(item, size, settings),
        representation,
        problems,
        preset,
        settings,
        given.original,
        spec.progress.preview_every_steps,
        spec.seed,
    )


def _key(item: work_pb2.WorkItem, size: tuple[int, int], settings: Settings) -> BatchKey:
    spec = item.invert
    return BatchKey(
        spec.representation.model,
        "+".join(layers_of(spec.representation)),
        *size,
        settings.family,
        PRECISIONS[spec.optimiser.precision],
        settings.loss,
        settings.coordinates,
        defence_key(item),
    )


def _problems(
    spec: wire.PreimageSpec, given: Input, settings: Settings, goal: Aim, bounds: Bounds | None
) -> tuple[Problem, ...]:
    if spec.restarts > _MOST_RESTARTS:
        raise InvalidSpecError(
            f"{spec.restarts} restarts are more than a worker holds; ask for less."
        )
    apart = repulsion(spec)
    return tuple(
        Problem(
            target=goal.target,
            height=given.height,
            width=given.width,
            settings=settings,
            mask=goal.mask,
            bounds=bounds,
            seed=spec.seed,
            restart=restart,
            stop=stop_rule(spec.stopping),
            walk=walk(spec.priors),
            repulsion=apart,
            start=goal.start,
        )
        for restart in range(max(spec.restarts, 1))
    )


def _scale(
    objective: wire.Objective,
    problems: tuple[Problem, ...],
    representation: Representation,
    device: torch.device,
) -> float:
    if objective.HasField("activation_scale"):
        return objective.activation_scale
    return strength(problems[0], representation, device)
