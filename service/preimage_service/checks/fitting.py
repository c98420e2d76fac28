"""Does a representation fit the model? Layer, picture size, shape of the code, mask."""

from collections.abc import Iterator

from preimage.v1.model_service_pb2 import Layer, Model
from preimage.v1.spec_pb2 import Representation
from preimage_orders import Fit, Size
from preimage_service.checks.fields import suggest
from preimage_service.checks.layers import MOST_SIDE
from preimage_service.checks.masks import check_mask
from preimage_service.checks.shapes import (
    expected_shape,
    implied_size,
    least_side,
    model_size,
)
from preimage_service.checks.taken import Taken
from preimage_service.errors import Violation
from preimage_service.settings import Settings

PICTURE_CHANNELS = (1, 3)
"""Grey and RGB: what a picture can become."""
_LONGEST_QUOTE = 128


def find_fit(
    model: Model, representation: Representation, taken: Taken, settings: Settings, path: str
) -> tuple[Fit | None, list[Violation]]:
    """Fit a representation and what was taken in to the model, or say why they do not."""
    layer = find_layer(model, representation.layer)
    if layer is None and not representation.layer:
        return None, []  # that one is required was told without the model
    if layer is None:
        return None, [no_layer(model, representation.layer, path)]
    size = sought_size(model, layer, representation, taken)
    given = representation.HasField("input_size")
    where = f"{path}.input_size" if given else taken.path
    faults = list(check_size(model, layer, size, where, settings))
    if given and not _has_sides(size):
        faults = []  # that was told without the model
    known = known_size(model, layer, representation, taken, settings)
    faults += check_shape(model, layer, known, taken)
    faults += _check_channels(model, taken)
    faults += check_mask(representation.mask, expected_shape(model, layer, known), f"{path}.mask")
    if size is None and not faults and not taken.violations:
        sentence = f"is required: {model.name} takes pictures of any size, and the target has none"
        faults.append(Violation(f"{path}.input_size", sentence))
    return (Fit(model, layer, known) if known and not faults else None), faults


def check_shape(model: Model, layer: Layer, size: Size | None, taken: Taken) -> Iterator[Violation]:
    """That what was taken in, if it is a code or belongs to one, has the shape of a code."""
    shape = expected_shape(model, layer, size)
    if taken.code_shape and not shape.admits(taken.code_shape):
        where = f" for pictures of {size.width} × {size.height}" if size else ""
        fault = f"is {taken.code_shape}; the code of {layer.name} is {shape}{where}"
        yield Violation(f"{taken.path}.shape", fault)


def no_layer(model: Model, name: str, path: str) -> Violation:
    """That the layer of the message at `path` is none of the model's."""
    quoted, hint = repr(name[:_LONGEST_QUOTE]), suggest(name, [one.name for one in model.layers])
    return Violation(f"{path}.layer", f"{quoted} is no layer of {model.name}; {hint}")


def find_layer(model: Model, name: str) -> Layer | None:
    """The layer of this name, if the model exposes it."""
    return next((layer for layer in model.layers if layer.name == name), None)


def sought_size(
    model: Model, layer: Layer, representation: Representation, taken: Taken
) -> Size | None:
    """The size of the picture that goes into the representation, where that can be known."""
    if representation.HasField("input_size"):
        return Size(representation.input_size.height, representation.input_size.width)
    own = model_size(model)
    if own is not None or taken.picture is not None:
        return own or taken.picture
    return implied_size(layer, taken.code_shape)


def known_size(
    model: Model, layer: Layer, representation: Representation, taken: Taken, settings: Settings
) -> Size | None:
    """The size that is sought, if there is such a picture: from a wrong one nothing follows."""
    size = sought_size(model, layer, representation, taken)
    if size is None or min(size.height, size.width) < max(1, least_side(model, layer)):
        return None
    return size if size.pixels <= settings.maximum_pixels else None


def _has_sides(size: Size | None) -> bool:
    return size is None or all(1 <= side <= MOST_SIDE for side in (size.height, size.width))


def _check_channels(model: Model, taken: Taken) -> Iterator[Violation]:
    channels = model.preprocessing.channels
    if taken.picture is not None and channels not in PICTURE_CHANNELS:
        sentence = f"is a picture; {model.name} takes {channels} channels: send a code"
        yield Violation(taken.path, sentence)


def check_size(
    model: Model, layer: Layer, size: Size | None, path: str, settings: Settings
) -> Iterator[Violation]:
    """That a picture of this size, if it is known, has a code, and is not too large to be found."""
    if size is None:
        return
    sides = f"{size.width} × {size.height} pixels"
    least, most = least_side(model, layer), settings.maximum_pixels
    if min(size.height, size.width) < least:
        yield Violation(path, f"means a picture of {sides}; {model.name} needs {least} a side")
    if size.pixels > most:
        yield Violation(
            path,
            f"means a picture of {sides}; this server looks for at most {most}: name a smaller"
            " input_size",
        )
