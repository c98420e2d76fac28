"""The numbers and switches of a specification: all that can be judged without knowing the model."""

from collections.abc import Iterator

from preimage.v1.preimage_service_pb2 import CacheControl, CreatePreimageRequest, InvertRequest
from preimage.v1.spec_pb2 import (
    Lane,
    Optimiser,
    Parametrisation,
    Precision,
    PreimageSpec,
    StoppingRule,
)
from preimage_service.checks.fields import (
    check_duration,
    check_enum,
    check_number,
    check_request_id,
    check_whole,
)
from preimage_service.checks.layers import check_further_layers, check_representation
from preimage_service.checks.objectives import check_objective, check_priors, check_repulsion
from preimage_service.errors import Violation
from preimage_service.settings import Settings

# Beyond it nothing but overflow is to be had.
_MOST_RATE_FACTOR = 1e6


def check_request(
    request: CreatePreimageRequest | InvertRequest, settings: Settings
) -> Iterator[Violation]:
    """A request for a job, the target and the model's own rules apart."""
    yield from check_request_id(request.request_id, "request_id")
    yield from check_enum(request.cache_control, CacheControl.DESCRIPTOR, "cache_control")
    if not request.HasField("spec"):
        yield Violation("spec", "is required")
        return
    yield from check_spec(request.spec, settings)


def check_spec(spec: PreimageSpec, settings: Settings) -> Iterator[Violation]:
    """Everything in a specification that is not its target or a name of the catalogue."""
    yield from check_representation(spec.representation, "spec.representation")
    yield from check_further_layers(spec)
    yield from check_objective(spec)
    yield from check_priors(spec.priors)
    yield from check_repulsion(spec)
    yield from _check_optimiser(spec.optimiser, settings)
    yield from _check_stopping(spec.stopping, settings)
    if spec.restarts:  # 0 means 1
        yield from check_whole(spec.restarts, "spec.restarts", 1, settings.maximum_restarts)
    yield from check_enum(spec.lane, Lane.DESCRIPTOR, "spec.lane")
    if spec.HasField("deadline"):
        yield from check_duration(spec.deadline, "spec.deadline")
    every = spec.progress.preview_every_steps
    yield from check_whole(every, "spec.progress.preview_every_steps", 0, settings.maximum_steps)


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
    coordinates = optimiser.parametrisation
    yield from check_enum(coordinates, Parametrisation.DESCRIPTOR, f"{path}.parametrisation")


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
