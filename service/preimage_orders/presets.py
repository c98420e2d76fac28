"""Presets by their names: which one is meant, and how many steps that are."""

from preimage.v1.model_service_pb2 import Model, Preset
from preimage.v1.spec_pb2 import ObjectiveKind, PreimageSpec

AUTO = "auto"
"""The service's own solver. It inverts, and chooses its steps and their coordinates by itself."""
INVERTING = frozenset(
    {
        ObjectiveKind.OBJECTIVE_KIND_UNSPECIFIED,
        ObjectiveKind.OBJECTIVE_KIND_INVERT,
        ObjectiveKind.OBJECTIVE_KIND_COSINE,
        ObjectiveKind.OBJECTIVE_KIND_MAHALANOBIS,
    }
)
"""Kinds that look for a code: they have a relative error."""


def preset_of(spec: PreimageSpec, model: Model) -> str:
    """The preset that was asked for, else the model's first that is for the objective."""
    fitting = presets_for(spec, model)
    return spec.optimiser.preset or (fitting[0] if fitting else "")


def steps_of(spec: PreimageSpec, model: Model) -> int:
    """Steps of the whole schedule."""
    if spec.optimiser.HasField("steps"):
        return spec.optimiser.steps
    name = preset_of(spec, model)
    return next((_steps(one, spec) for one in model.presets if one.name == name), 0)


def presets_for(spec: PreimageSpec, model: Model) -> list[str]:
    """Names of the model's presets that are for the objective."""
    return [preset.name for preset in model.presets if _steps(preset, spec)]


def _steps(preset: Preset, spec: PreimageSpec) -> int:
    return preset.steps if spec.objective.kind in INVERTING else preset.activation_steps
