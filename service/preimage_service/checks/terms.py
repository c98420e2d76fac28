"""Do the other parts of a specification fit the model? Further layers, variance, unit."""

from collections.abc import Iterator

from preimage.v1.model_service_pb2 import Model
from preimage.v1.spec_pb2 import PreimageSpec
from preimage_orders import Size
from preimage_service.checks.fitting import check_shape, find_layer, known_size, no_layer
from preimage_service.checks.layers import MOST_FURTHER_LAYERS
from preimage_service.checks.masks import check_mask, check_unit
from preimage_service.checks.shapes import expected_shape
from preimage_service.checks.taken import Inputs
from preimage_service.errors import Violation
from preimage_service.settings import Settings


def check_terms(
    model: Model, spec: PreimageSpec, inputs: Inputs, settings: Settings
) -> Iterator[Violation]:
    """That further layers are the model's, and that codes, variance and unit are theirs."""
    layer = find_layer(model, spec.representation.layer)
    if layer is None:
        return  # that is told already, and nothing can be said of the rest
    size = known_size(model, layer, spec.representation, inputs.target, settings)
    if inputs.variance is not None:
        yield from check_shape(model, layer, size, inputs.variance)
    if spec.target.HasField("unit"):
        shape = expected_shape(model, layer, size)
        yield from check_unit(spec.target.unit, shape, "spec.target.unit")
    yield from _check_further(model, spec, inputs, size)


def _check_further(
    model: Model, spec: PreimageSpec, inputs: Inputs, size: Size | None
) -> Iterator[Violation]:
    terms = spec.representation.further_layers[:MOST_FURTHER_LAYERS]
    if terms and len(model.layers) == 1:
        sentence = f"cannot be had: {model.name} has one layer"
        yield Violation("spec.representation.further_layers", sentence)
        return
    codes = inputs.further or (None,) * len(terms)  # none were taken in where all is too large
    for index, (term, code) in enumerate(zip(terms, codes, strict=True)):
        path = f"spec.representation.further_layers[{index}]"
        layer = find_layer(model, term.layer)
        if layer is None:
            if term.layer:
                yield no_layer(model, term.layer, path)
            continue
        if code is not None:
            yield from check_shape(model, layer, size, code)
        yield from check_mask(term.mask, expected_shape(model, layer, size), f"{path}.mask")
