"""The wire's numbers and names as the engine's: overrides, stopping rule, loss, precision."""

import math
from collections.abc import Iterator
from dataclasses import asdict

from google.protobuf.message import Message

from preimage.v1 import spec_pb2 as wire
from preimage_worker.errors import InvalidSpecError
from preimage_worker.inversion.lanes import Precision
from preimage_worker.inversion.overrides import Overrides
from preimage_worker.inversion.presets import CARICATURE_WEIGHT
from preimage_worker.inversion.problem import StopRule
from preimage_worker.inversion.repulsion import Repulsion
from preimage_worker.inversion.settings import Basis, Loss, Settings
from preimage_worker.inversion.walk import Walk

PRECISIONS = {
    wire.PRECISION_UNSPECIFIED: Precision.FP32,
    wire.PRECISION_FLOAT32: Precision.FP32,
    wire.PRECISION_TF32: Precision.TF32,
    wire.PRECISION_BFLOAT16: Precision.BF16,
}
"""By the wire's values; the one that is not set means the first."""
LOSSES = {
    wire.OBJECTIVE_KIND_UNSPECIFIED: Loss.SQUARED,
    wire.OBJECTIVE_KIND_INVERT: Loss.SQUARED,
    wire.OBJECTIVE_KIND_COSINE: Loss.COSINE,
    wire.OBJECTIVE_KIND_MAHALANOBIS: Loss.SQUARED,
    wire.OBJECTIVE_KIND_MAXIMISE: Loss.INNER,
    wire.OBJECTIVE_KIND_CARICATURE: Loss.INNER,
}
"""ℓ of every kind of objective; what sets kinds of one loss apart is their target and mask."""
_BASES = {
    wire.PARAMETRISATION_UNSPECIFIED: None,
    wire.PARAMETRISATION_PIXELS: Basis.PIXELS,
    wire.PARAMETRISATION_DCT: Basis.DCT,
    wire.PARAMETRISATION_FOURIER: Basis.FOURIER,
}
_ISOTROPIC = {
    wire.ALPHA_NORM_FORM_UNSPECIFIED: None,
    wire.ALPHA_NORM_FORM_PER_CHANNEL: False,
    wire.ALPHA_NORM_FORM_ISOTROPIC: True,
}
_DEFAULT_PLATEAU = 0.001
_DEFAULT_WINDOW_STEPS = 50

_Message = (
    wire.Objective
    | wire.TotalVariationPrior
    | wire.AlphaNormPrior
    | wire.Priors
    | wire.Optimiser
    | wire.StoppingRule
)


def check_known(message: Message) -> None:
    """That this worker knows every choice: a newer frontend may know more.

    Raises:
        InvalidSpecError: it does not.
    """
    for field, value in message.ListFields():
        values = value if field.is_repeated else (value,)
        if field.enum_type is not None:
            strange = [each for each in values if each not in field.enum_type.values_by_number]
            if strange:
                raise InvalidSpecError(
                    f"This worker does not know the value {strange[0]} of {field.name}: it may be "
                    "older than the service that took the job."
                )
        elif field.message_type is not None:
            for each in values:
                check_known(each)


def overrides(spec: wire.PreimageSpec) -> Overrides:
    """What the job changes about its preset; raises InvalidSpecError."""
    variation, norm = spec.priors.total_variation, spec.priors.alpha_norm
    optimiser = spec.optimiser
    bound, factor = _optional(spec.priors, "bound"), _optional(spec.priors, "factor")
    rate = _optional(optimiser, "rate_factor")
    return Overrides(
        data_weight=_data_weight(spec.objective),
        total_variation_weight=_optional(variation, "weight"),
        beta=_optional(variation, "exponent"),
        alpha_norm_weight=_optional(norm, "weight"),
        alpha=_optional(norm, "exponent"),
        isotropic=_ISOTROPIC[norm.form],
        prior_factor=1.0 if factor is None else factor,
        bound=math.inf if bound == 0 else bound,
        rate_factor=1.0 if rate is None else rate,
        jitter=optimiser.jitter if optimiser.HasField("jitter") else None,
        steps=optimiser.steps if optimiser.HasField("steps") else None,
        walks=spec.priors.HasField("automatic"),
        basis=_BASES[optimiser.parametrisation],
        decorrelated=(
            optimiser.decorrelate_colour if optimiser.HasField("decorrelate_colour") else None
        ),
    )


def walk(priors: wire.Priors) -> Walk | None:
    """What ends the search for the strength of the priors; None where it is given."""
    if not priors.HasField("automatic"):
        return None
    asked, default = priors.automatic, Walk()
    return Walk(
        noise_multiple=asked.noise_multiple or default.noise_multiple,
        least_error=asked.least_error or default.least_error,
    )


def repulsion(spec: wire.PreimageSpec) -> Repulsion | None:
    """What keeps the job's restarts apart, one object for all of them."""
    if not spec.HasField("repulsion") or spec.restarts <= 1:
        return None
    asked = spec.repulsion
    return Repulsion(asked.error_budget, asked.weight or 1.0)


def stop_rule(rule: wire.StoppingRule) -> StopRule:
    """When the job's lanes end before their schedule does."""
    target = _optional(rule, "target_error")
    if not rule.HasField("plateau"):
        return StopRule(target_error=target)
    return StopRule(
        target_error=target,
        plateau=rule.plateau.minimum_decrease or _DEFAULT_PLATEAU,
        plateau_window_steps=rule.plateau.window_steps or _DEFAULT_WINDOW_STEPS,
    )


def settings_map(settings: Settings) -> dict[str, float]:
    """Every number that a job resolved to, by name, for its provenance."""
    return dict(_numbers(asdict(settings), ""))


def _numbers(value: object, name: str) -> Iterator[tuple[str, float]]:
    """The numbers in nested dictionaries and tuples, by dotted names."""
    if isinstance(value, int | float):
        yield name, float(value)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _numbers(each, f"{name}.{key}" if name else key)
    elif isinstance(value, tuple):
        for index, each in enumerate(value):
            yield from _numbers(each, f"{name}.{index}")


def _data_weight(objective: wire.Objective) -> float | None:
    given = _optional(objective, "data_weight")
    if given is None and objective.kind == wire.OBJECTIVE_KIND_CARICATURE:
        return CARICATURE_WEIGHT
    return given


def _optional(message: _Message, name: str) -> float | None:
    if not message.HasField(name):  # type: ignore[arg-type]
        return None
    value = float(getattr(message, name))
    if not math.isfinite(value):
        raise InvalidSpecError(f"{name} must be finite.")
    return value
