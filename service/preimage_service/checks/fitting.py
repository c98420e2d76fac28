"""Does the request fit the model? Layer, preset, picture size, shape of the code, mask."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from preimage.v1.model_service_pb2 import Layer, Model
from preimage.v1.spec_pb2 import PreimageSpec, Representation
from preimage_service.checks.fields import suggest
from preimage_service.checks.masks import check_mask
from preimage_service.checks.shapes import Size, expected_shape, implied_size, model_size
from preimage_service.checks.taken import Taken
from preimage_service.errors import Violation
from preimage_service.settings import Settings


@final
@dataclass(frozen=True, slots=True)
class Fit:
    """A layer of a model, and the size of the picture that goes into it."""

    model: Model
    layer: Layer
    size: Size


def find_fit(
    model: Model, representation: Representation, taken: Taken, settings: Settings, path: str
) -> tuple[Fit | None, list[Violation]]:
    """Fit a representation and what was taken in to the model, or say why they do not."""
    layer = find_layer(model, representation.layer)
    if layer is None and not representation.layer:
        return None, []  # that one is required was told without the model
    if layer is None:
        hint = suggest(representation.layer, [one.name for one in model.layers])
        return None, [Violation(f"{path}.layer", f"is no layer of {model.name}; {hint}")]
    size = _size(model, layer, representation, taken)
    given = representation.HasField("input_size")
    faults = list(_check_size(model, size, f"{path}.input_size" if given else taken.path, settings))
    shape = expected_shape(model, layer, size)
    if taken.code_shape and not shape.admits(taken.code_shape):
        where = f" for pictures of {size.width} × {size.height}" if size else ""
        fault = f"is {taken.code_shape}; the code of {layer.name} is {shape}{where}"
        faults.append(Violation(f"{taken.path}.shape", fault))
    faults += check_mask(representation.mask, shape, f"{path}.mask")
    return (Fit(model, layer, size) if size and not faults else None), faults


def find_layer(model: Model, name: str) -> Layer | None:
    """The layer of this name, if the model exposes it."""
    return next((layer for layer in model.layers if layer.name == name), None)


def check_preset(model: Model, spec: PreimageSpec) -> Iterator[Violation]:
    """That the preset is one of the model's."""
    names = [preset.name for preset in model.presets]
    wanted = spec.optimiser.preset
    if not names:
        yield Violation("spec.representation.model", f"{model.name} has no preset that inverts it")
    elif wanted and wanted not in names:
        hint = suggest(wanted, names)
        yield Violation("spec.optimiser.preset", f"is no preset of {model.name}; {hint}")


def _size(model: Model, layer: Layer, representation: Representation, taken: Taken) -> Size | None:
    """The size of the picture that goes into the representation, unless the target is faulty."""
    if representation.HasField("input_size"):
        return Size(representation.input_size.height, representation.input_size.width)
    own = model_size(model)
    if own is not None or taken.picture is not None:
        return own or taken.picture
    if len(taken.code_shape) == len(layer.code_shape):
        return implied_size(layer, taken.code_shape)
    return None


def _check_size(
    model: Model, size: Size | None, path: str, settings: Settings
) -> Iterator[Violation]:
    if size is None:
        return
    sides = f"{size.width} × {size.height} pixels"
    least, most = model.preprocessing.minimum_side, settings.maximum_pixels
    if min(size.height, size.width) < least:
        yield Violation(path, f"means a picture of {sides}; {model.name} needs {least} a side")
    if size.pixels > most:
        yield Violation(
            path,
            f"means a picture of {sides}; this server looks for at most {most}: name a smaller"
            " representation.input_size",
        )
