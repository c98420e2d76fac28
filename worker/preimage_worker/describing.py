"""What the frontend is told of a model: its layers, their shapes, its presets.

A description needs no weights. Every network is traced once for it, and nothing is computed.
"""

import fnmatch
import hashlib
import json
from typing import NamedTuple

from preimage.v1 import model_service_pb2 as wire
from preimage.v1 import tensor_pb2
from preimage_worker import architectures
from preimage_worker.catalogue import ModelEntry
from preimage_worker.errors import CatalogueError
from preimage_worker.formulas import FORMULAS
from preimage_worker.inversion import presets
from preimage_worker.inversion.errors import InversionError
from preimage_worker.inversion.representations import network
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.representations.nodes import Traced, trace
from preimage_worker.pictures import RESAMPLING

_ANY_SIZE_SIDE = 224
"""The picture for which representations of any size state their code's shape."""
_SPATIAL_AXES = 3
_PRESETS = {
    "mv2016": "Mahendran & Vedaldi, IJCV 2016: decayed Adagrad with momentum, jitter and a bound.",
    "mv2015": "Mahendran & Vedaldi, CVPR 2015: gradient descent with momentum, no jitter.",
}
"""What is announced; the first one is the default."""


class Description(NamedTuple):
    """What is known of a model before its weights are."""

    model: wire.Model
    """The announcement, without what depends on the weights."""
    classes: str | None
    """The node that gives the scores of the classes; None where the model does not classify."""


def describe(entry: ModelEntry) -> Description:
    """Describes a model of the catalogue.

    Raises:
        CatalogueError: the entry asks for an architecture, size or layers that do not exist.
    """
    model = wire.Model(name=entry.name, architecture=entry.architecture)
    if entry.is_formula:
        _describe_formula(entry, model)
        return Description(model, None)
    return Description(model, _describe_network(entry, model))


def digest(model: wire.Model) -> str:
    """Equal for equal architecture, weights and preprocessing, and for nothing else."""
    facts = [
        model.architecture,
        model.weights_digest,
        model.preprocessing.SerializeToString(deterministic=True).hex(),
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def preprocessing(entry: ModelEntry) -> network.Preprocessing:
    """How grey levels become what the network of this entry takes."""
    return network.Preprocessing(entry.mean, entry.std)


def _presets(representation: Representation, height: int, width: int) -> list[wire.Preset]:
    return [
        wire.Preset(
            name=name,
            description=description,
            steps=presets.resolve(name, representation, height, width).steps,
        )
        for name, description in _PRESETS.items()
    ]


def _describe_formula(entry: ModelEntry, model: wire.Model) -> None:
    formula = FORMULAS[entry.architecture]
    side = _ANY_SIZE_SIDE
    layers = {name: make() for name, make in formula.layers.items()}
    first = next(iter(layers.values()))
    model.weights = "none: a formula"
    model.preprocessing.CopyFrom(
        wire.Preprocessing(
            any_size=True,
            minimum_side=min(layer.smallest_side for layer in layers.values()),
            channels=first.channels,
            resampling=RESAMPLING,
            divisor=1,
            mean=first.mean,
            std=[1.0] * first.channels,
        )
    )
    for name, layer in layers.items():
        model.layers.add(
            name=name,
            kind=formula.kind,
            code_shape=layer.code_shape(side, side),
            stride=round(layer.stride(side, side)),
            grid_offset=layer.grid_offset,
        )
    model.presets.extend(_presets(first, side, side))


def _describe_network(entry: ModelEntry, model: wire.Model) -> str | None:
    """Fills the announcement; returns the node of the classes' scores."""
    assert entry.input_size is not None
    height, width = entry.input_size
    model.preprocessing.CopyFrom(
        wire.Preprocessing(
            input_size=tensor_pb2.PictureSize(height=height, width=width),
            minimum_side=1,
            channels=len(entry.mean),
            resampling=RESAMPLING,
            divisor=network.WHITE,
            mean=entry.mean,
            std=entry.std,
        )
    )
    traced = trace(architectures.bare(entry))
    shapes = _shapes(entry, traced)
    _add_layers(entry, model, traced, shapes)
    first = network.networks(
        traced, [model.layers[0].name], name=entry.name, preprocessing=preprocessing(entry)
    )
    model.presets.extend(_presets(first, height, width))
    return _classes(entry, shapes)


def _shapes(entry: ModelEntry, traced: Traced) -> dict[str, tuple[int, ...]]:
    assert entry.input_size is not None
    try:
        return network.node_shapes(traced, *entry.input_size, channels=len(entry.mean))
    except InversionError as error:
        raise CatalogueError(f"models.{entry.name}.input_size: {error}") from None


def _classes(entry: ModelEntry, shapes: dict[str, tuple[int, ...]]) -> str | None:
    """The last node, if the network classifies: a score for each of at least two classes."""
    if not entry.classifies:
        return None
    name, shape = next(reversed(shapes.items()))
    if len(shape) == 1 and shape[0] > 1:
        return name
    raise CatalogueError(
        f"models.{entry.name}.classifies: the network ends with {name} of shape {list(shape)}, "
        "not with a score for each of several classes; set classifies = false."
    )


def _add_layers(
    entry: ModelEntry, model: wire.Model, traced: Traced, shapes: dict[str, tuple[int, ...]]
) -> None:
    assert entry.input_size is not None
    for name, shape in _with_modules(traced, shapes).items():
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in entry.layers):
            model.layers.add(
                name=name,
                kind=_kind(traced, name),
                code_shape=shape,
                stride=_stride(entry.input_size[0], shape),
            )
    if not model.layers:
        raise CatalogueError(
            f"models.{entry.name}.layers: no layer of {entry.architecture} matches "
            f"{list(entry.layers)}; its layers are {', '.join(shapes)}."
        )


def _with_modules(traced: Traced, shapes: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """The nodes, and behind the last node of every composite module the module itself.

    So "features.5" names what the Fire module of that name gives, whatever its last node is called.
    """
    ends: dict[str, list[str]] = {}
    for module in traced.modules:
        inside = [node for node in traced.names if node.startswith(f"{module}.")]
        if inside and module not in shapes and inside[-1] in shapes:
            ends.setdefault(inside[-1], []).append(module)
    layers: dict[str, tuple[int, ...]] = {}
    for node, shape in shapes.items():
        layers[node] = shape
        layers |= dict.fromkeys(reversed(ends.get(node, [])), shape)
    return layers


def _kind(traced: Traced, name: str) -> str:
    """The class of a module, or the name of a function: "Conv2d", "add"."""
    return traced.modules.get(name) or name.rpartition(".")[2].split("_")[0]


def _stride(height: int, shape: tuple[int, ...]) -> int:
    """Pixels between neighbouring positions of a spatial code, else 1."""
    return round(height / shape[1]) if len(shape) == _SPATIAL_AXES else 1
