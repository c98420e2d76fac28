"""Whether the preset is one of the model's, and takes what is said of its steps."""

from collections.abc import Iterator

from preimage.v1.model_service_pb2 import Model
from preimage.v1.spec_pb2 import PreimageSpec
from preimage_orders import AUTO, INVERTING, preset_of, presets_for
from preimage_service.checks.fields import suggest
from preimage_service.errors import Violation

_RGB = 3


def check_optimiser_fits(model: Model, spec: PreimageSpec) -> Iterator[Violation]:
    """That the preset is one of the model's, and that it takes what is said of its steps."""
    names, wanted, path = presets_for(spec, model), spec.optimiser.preset, "spec.optimiser"
    if not names:
        sentence = f"is nothing that a preset of {model.name} is for"
        yield Violation("spec.objective.kind", sentence)
    elif wanted and wanted not in names:
        hint = f"is no preset of {model.name}; {suggest(wanted, names)}"
        if any(preset.name == wanted for preset in model.presets):
            hint = f"is not for this objective; there are {', '.join(map(repr, names))}"
        yield Violation(f"{path}.preset", hint)
    chosen = {
        "rate_factor": spec.optimiser.HasField("rate_factor") and spec.optimiser.rate_factor != 1,
        "jitter": spec.optimiser.jitter,
        "parametrisation": bool(spec.optimiser.parametrisation),
        "decorrelate_colour": spec.optimiser.HasField("decorrelate_colour"),
    }
    if preset_of(spec, model) == AUTO:
        others = " or ".join(repr(name) for name in names if name != AUTO)
        hint = f": name {others} in {path}.preset" if others else ""
        for name in (name for name, given in chosen.items() if given):
            yield Violation(f"{path}.{name}", f"is not for {AUTO!r}, whose steps are its own{hint}")
        if spec.HasField("repulsion"):
            yield Violation("spec.repulsion", f"is not for {AUTO!r}{hint}")
    elif spec.priors.HasField("automatic") and spec.objective.kind in INVERTING:
        yield Violation("spec.priors.automatic", f"is for the preset {AUTO!r} alone")
    if spec.optimiser.decorrelate_colour and model.preprocessing.channels != _RGB:
        yield Violation(f"{path}.decorrelate_colour", f"needs colours; {model.name} has none")
