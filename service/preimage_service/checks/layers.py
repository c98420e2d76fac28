"""The representation: model, layer, further layers with their weights, input size."""

from collections.abc import Iterator

from preimage.v1.spec_pb2 import LayerTerm, PreimageSpec, Representation
from preimage_service.checks.fields import check_number, check_whole
from preimage_service.checks.objectives import MOST_WEIGHT
from preimage_service.errors import Violation

MOST_SIDE = 2**15
MOST_FURTHER_LAYERS = 31
"""Each is a code to keep, to read and to compare with."""


def check_representation(representation: Representation, path: str) -> Iterator[Violation]:
    """That model and layer are named, and that a size is one."""
    if not representation.model:
        yield Violation(f"{path}.model", "is required; ListModels names what is served")
    if not representation.layer:
        yield Violation(f"{path}.layer", "is required; GetModel names a model's layers")
    if representation.HasField("input_size"):
        size = representation.input_size
        yield from check_whole(size.height, f"{path}.input_size.height", 1, MOST_SIDE)
        yield from check_whole(size.width, f"{path}.input_size.width", 1, MOST_SIDE)


def check_further_layers(spec: PreimageSpec) -> Iterator[Violation]:
    """Names, weights and codes of several layers, as far as they show without the model."""
    representation, path = spec.representation, "spec.representation"
    weight = representation.layer_weight
    yield from check_number(weight, f"{path}.layer_weight", most=MOST_WEIGHT)
    terms = representation.further_layers
    if len(terms) > MOST_FURTHER_LAYERS:
        sentence = f"are {len(terms)}; at most {MOST_FURTHER_LAYERS} fit into one job"
        yield Violation(f"{path}.further_layers", sentence)
        return
    bare = spec.target.WhichOneof("source") in {"features", "uploaded_features"}
    named = {representation.layer}
    for index, term in enumerate(terms):
        place = f"{path}.further_layers[{index}]"
        yield from _check_term(term, place, bare=bare)
        if term.layer in named:
            yield Violation(f"{place}.layer", "is named twice: give each layer one weight")
        named.add(term.layer)


def _check_term(term: LayerTerm, path: str, *, bare: bool) -> Iterator[Violation]:
    if not term.layer:
        yield Violation(f"{path}.layer", "is required; GetModel names a model's layers")
    yield from check_number(term.weight, f"{path}.weight", most=MOST_WEIGHT)
    code = term.WhichOneof("code")
    if bare and code is None:
        yield Violation(f"{path}.features", "are required where the target is a bare code")
    elif code and not bare:
        yield Violation(f"{path}.{code}", "are computed from the target's picture: leave them out")
