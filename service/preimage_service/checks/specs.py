"""The numbers and switches of a specification: all that can be judged without knowing the model."""

from collections.abc import Iterator

from preimage.v1.preimage_service_pb2 import CreatePreimageRequest, InvertRequest
from preimage.v1.spec_pb2 import (
    Lane,
    Objective,
    ObjectiveKind,
    Optimiser,
    Precision,
    PreimageSpec,
    Priors,
    Representation,
    StoppingRule,
)
from preimage_service.checks.fields import (
    check_duration,
    check_enum,
    check_number,
    check_request_id,
    check_whole,
)
from preimage_service.errors import Violation
from preimage_service.settings import Settings

# The bounds of the mathematics: beyond them nothing but overflow is to be had.
_MOST_RATE_FACTOR = 1e6
_MOST_WEIGHT = 1e30
_MOST_SIDE = 2**15


def check_request(
    request: CreatePreimageRequest | InvertRequest, settings: Settings
) -> Iterator[Violation]:
    """A request for a job, the target and the model's own rules apart."""
    yield from check_request_id(request.request_id, "request_id")
    if not request.HasField("spec"):
        yield Violation("spec", "is required")
        return
    yield from check_spec(request.spec, settings)


def check_spec(spec: PreimageSpec, settings: Settings) -> Iterator[Violation]:
    """Everything in a specification that is not its target or a name of the catalogue."""
    if spec.target.WhichOneof("source") is None:
        yield Violation("spec.target", "must hold a picture, features or uploaded_features")
    yield from check_representation(spec.representation, "spec.representation")
    yield from _check_objective(spec.objective)
    yield from _check_priors(spec.priors)
    yield from _check_optimiser(spec.optimiser, settings)
    yield from _check_stopping(spec.stopping, settings)
    if spec.restarts:  # 0 means 1
        yield from check_whole(spec.restarts, "spec.restarts", 1, settings.maximum_restarts)
    yield from check_enum(spec.lane, Lane.DESCRIPTOR, "spec.lane")
    if spec.HasField("deadline"):
        yield from check_duration(spec.deadline, "spec.deadline")
    every = spec.progress.preview_every_steps
    yield from check_whole(every, "spec.progress.preview_every_steps", 0, settings.maximum_steps)


def check_representation(representation: Representation, path: str) -> Iterator[Violation]:
    """That model and layer are named, and that a size is one."""
    if not representation.model:
        yield Violation(f"{path}.model", "is required; ListModels names what is served")
    if not representation.layer:
        yield Violation(f"{path}.layer", "is required; GetModel names a model's layers")
    if representation.HasField("input_size"):
        size = representation.input_size
        yield from check_whole(size.height, f"{path}.input_size.height", 1, _MOST_SIDE)
        yield from check_whole(size.width, f"{path}.input_size.width", 1, _MOST_SIDE)


def _check_objective(objective: Objective) -> Iterator[Violation]:
    yield from check_enum(objective.kind, ObjectiveKind.DESCRIPTOR, "spec.objective.kind")
    if objective.HasField("data_weight"):
        path = "spec.objective.data_weight"
        weight = objective.data_weight
        yield from check_number(weight, path, most=_MOST_WEIGHT, open_below=True)


def _check_priors(priors: Priors) -> Iterator[Violation]:
    for name, prior, most_exponent in (
        ("alpha_norm", priors.alpha_norm, 12.0),
        ("total_variation", priors.total_variation, 4.0),
    ):
        path = f"spec.priors.{name}"
        if prior.HasField("weight"):
            yield from check_number(prior.weight, f"{path}.weight", most=_MOST_WEIGHT)
        if prior.HasField("exponent"):
            yield from check_number(prior.exponent, f"{path}.exponent", 1.0, most_exponent)


def _check_optimiser(optimiser: Optimiser, settings: Settings) -> Iterator[Violation]:
    path = "spec.optimiser"
    if optimiser.HasField("steps"):
        yield from check_whole(optimiser.steps, f"{path}.steps", 1, settings.maximum_steps)
    if optimiser.HasField("rate_factor"):
        factor = optimiser.rate_factor
        yield from check_number(
            factor, f"{path}.rate_factor", most=_MOST_RATE_FACTOR, open_below=True
        )
    yield from check_enum(optimiser.precision, Precision.DESCRIPTOR, f"{path}.precision")


def _check_stopping(stopping: StoppingRule, settings: Settings) -> Iterator[Violation]:
    path = "spec.stopping"
    if stopping.HasField("target_error"):
        yield from check_number(stopping.target_error, f"{path}.target_error", open_below=True)
    if stopping.HasField("plateau"):
        plateau, path = stopping.plateau, f"{path}.plateau"
        yield from check_number(plateau.minimum_decrease, f"{path}.minimum_decrease", 0.0, 1.0)
        yield from check_whole(
            plateau.window_steps, f"{path}.window_steps", 0, settings.maximum_steps
        )
