"""Presets by their names: which one is meant, and what it can be told."""

from collections.abc import Iterator

from preimage.v1.model_service_pb2 import Model
from preimage.v1.spec_pb2 import PreimageSpec
from preimage_service.checks.fields import suggest
from preimage_service.checks.objectives import INVERTING
from preimage_service.errors import Violation

AUTO = "auto"
"""The service's own solver. It inverts, and chooses the coordinates of its steps by itself."""
_RGB = 3


def preset_of(spec: PreimageSpec, model: Model) -> str:
    """The preset that was asked for, else the model's first that the objective can be given."""
    if spec.optimiser.preset:
        return spec.optimiser.preset
    names = [preset.name for preset in model.presets]
    if spec.objective.kind not in INVERTING:
        names = [name for name in names if name != AUTO] or names
    return names[0] if names else ""


def check_optimiser_fits(model: Model, spec: PreimageSpec) -> Iterator[Violation]:
    """That the preset is one of the model's, and that coordinates and colours can be chosen."""
    names = [preset.name for preset in model.presets]
    wanted, path = spec.optimiser.preset, "spec.optimiser"
    if not names:
        yield Violation("spec.representation.model", f"{model.name} has no preset that inverts it")
    elif wanted and wanted not in names:
        hint = suggest(wanted, names)
        yield Violation(f"{path}.preset", f"is no preset of {model.name}; {hint}")
    chosen = {
        "parametrisation": bool(spec.optimiser.parametrisation),
        "decorrelate_colour": spec.optimiser.HasField("decorrelate_colour"),
    }
    if preset_of(spec, model) == AUTO:
        others = " or ".join(repr(name) for name in names if name != AUTO)
        hint = f": name {others} in {path}.preset" if others else ""
        for name in (name for name, given in chosen.items() if given):
            yield Violation(f"{path}.{name}", f"is not for {AUTO!r}, which has its own{hint}")
    if spec.optimiser.decorrelate_colour and model.preprocessing.channels != _RGB:
        yield Violation(f"{path}.decorrelate_colour", f"needs colours; {model.name} has none")
