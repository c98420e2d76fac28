"""What the frontend is told of a model: its layers, their shapes, its presets.

A description needs no weights. Every network is traced once for it, and nothing is computed.
"""

import fnmatch
import hashlib
import json
from typing import NamedTuple

from torch import nn

from preimage.v1 import model_service_pb2 as wire
from preimage.v1 import tensor_pb2
from preimage_worker.axes import WIRE_LAYOUTS
from preimage_worker.catalogue import ModelEntry
from preimage_worker.engine_version import engine
from preimage_worker.errors import CatalogueError
from preimage_worker.formulas import FORMULAS
from preimage_worker.inversion import presets
from preimage_worker.inversion.errors import (
    ChannelMismatchError,
    InversionError,
    RepresentationError,
)
from preimage_worker.inversion.representations import network
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.representations.selections import SEPARATOR, split
from preimage_worker.inversion.representations.survey import Layer, Survey, layers, survey
from preimage_worker.inversion.settings import Loss
from preimage_worker.names import listed
from preimage_worker.pictures import RESAMPLING

_ANY_SIZE_SIDE = 224
"""The picture for which representations of any size state their code's shape."""
_USUAL_SELECTIONS = {"class_token", "patch_tokens", "mean"}
_PRESETS = {
    "auto": "Our own: the terms of mv2016 by limited-memory BFGS in cosine coefficients.",
    "mv2016": "Mahendran & Vedaldi, IJCV 2016: decayed Adagrad with momentum, jitter and a bound.",
    "mv2015": "Mahendran & Vedaldi, CVPR 2015: gradient descent with momentum, no jitter.",
    "lucid": "Olah et al. 2017: Adam in Fourier coefficients of separate colours; no priors.",
}
"""What is announced; the first one that is for an objective is its default."""


class Description(NamedTuple):
    """What is known of a model before its weights are."""

    model: wire.Model
    """The announcement, without what depends on the weights."""
    classes: str | None
    """The node that gives the scores of the classes; None where the model does not classify."""


def describe(entry: ModelEntry, bare: nn.Module | None) -> Description:
    """Describes a model of the catalogue.

    Args:
        entry: the model.
        bare: its network; None for a formula, and for a program that is not here, of which only
            the preprocessing is known.

    Raises:
        CatalogueError: the entry asks for a size or layers that do not exist.
    """
    model = wire.Model(name=entry.name, architecture=entry.architecture, engine=engine())
    if entry.is_formula:
        _describe_formula(entry, model)
        return Description(model, None)
    _describe_preprocessing(entry, model)
    return Description(model, None if bare is None else _describe_network(entry, model, bare))


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
    return network.Preprocessing(entry.mean, entry.std, entry.divisor)


def _presets(representation: Representation, height: int, width: int) -> list[wire.Preset]:
    return [
        wire.Preset(
            name=name,
            description=description,
            steps=_steps(name, representation, height, width, Loss.SQUARED),
            activation_steps=_steps(name, representation, height, width, Loss.INNER),
        )
        for name, description in _PRESETS.items()
    ]


def _steps(name: str, representation: Representation, height: int, width: int, loss: Loss) -> int:
    """Steps of a preset's schedule; 0 where it is not for the loss."""
    if name not in presets.table(loss):
        return 0
    return presets.resolve(name, representation, height, width, loss=loss).steps


def _describe_formula(entry: ModelEntry, model: wire.Model) -> None:
    formula = FORMULAS[entry.architecture]
    side = _ANY_SIZE_SIDE
    members = {name: make() for name, make in formula.layers.items()}
    first = next(iter(members.values()))
    model.weights = "none: a formula"
    model.preprocessing.CopyFrom(
        wire.Preprocessing(
            any_size=True,
            minimum_side=min(layer.smallest_side for layer in members.values()),
            channels=first.channels,
            resampling=RESAMPLING,
            divisor=1,
            mean=first.mean,
            std=[1.0] * first.channels,
        )
    )
    for name, layer in members.items():
        model.layers.add(
            name=name,
            kind=formula.kind,
            code_shape=layer.code_shape(side, side),
            stride=round(layer.stride(side, side)),
            grid_offset=layer.grid_offset,
            layout=wire.CODE_LAYOUT_CHANNELS_FIRST,
        )
    model.presets.extend(_presets(first, side, side))


def _describe_preprocessing(entry: ModelEntry, model: wire.Model) -> None:
    assert entry.input_size is not None
    height, width = entry.input_size
    model.preprocessing.CopyFrom(
        wire.Preprocessing(
            input_size=tensor_pb2.PictureSize(height=height, width=width),
            minimum_side=1,
            channels=len(entry.mean),
            resampling=RESAMPLING,
            divisor=entry.divisor,
            mean=entry.mean,
            std=entry.std,
        )
    )


def _describe_network(entry: ModelEntry, model: wire.Model, bare: nn.Module) -> str | None:
    """Adds layers and presets; returns the node of the classes' scores."""
    assert entry.input_size is not None
    surveyed = survey_of(entry, bare)
    exposed = _exposed(entry, layers(surveyed))
    for layer in exposed:
        model.layers.add(
            name=layer.name,
            kind=layer.kind,
            code_shape=layer.shape,
            stride=layer.stride,
            layout=WIRE_LAYOUTS[layer.layout],
        )
    first = network.networks(
        surveyed, [exposed[0].name], name=entry.name, preprocessing=preprocessing(entry)
    )
    model.presets.extend(_presets(first, *entry.input_size))
    return _classes(entry, surveyed)


def survey_of(entry: ModelEntry, model: nn.Module) -> Survey:
    """The survey of the entry's network; raises CatalogueError if it takes no such pictures."""
    assert entry.input_size is not None
    try:
        return survey(model, *entry.input_size, channels=len(entry.mean))
    except RepresentationError as error:
        raise CatalogueError(f"models.{entry.name}.architecture: {error}") from error
    except ChannelMismatchError as error:
        raise CatalogueError(f"models.{entry.name}.mean: {error}") from None
    except InversionError as error:
        raise CatalogueError(f"models.{entry.name}.input_size: {error}") from None


def _classes(entry: ModelEntry, surveyed: Survey) -> str | None:
    """The last node, if the network classifies: a score for each of at least two classes."""
    if not entry.classifies:
        return None
    nodes = [layer for layer in layers(surveyed) if SEPARATOR not in layer.name]
    name, shape = nodes[-1].name, nodes[-1].shape
    if len(shape) == 1 and shape[0] > 1:
        return name
    raise CatalogueError(
        f"models.{entry.name}.classifies: the network ends with {name} of shape {list(shape)}, "
        "not with a score for each of several classes; set classifies = false."
    )


def _exposed(entry: ModelEntry, found: list[Layer]) -> list[Layer]:
    exposed = [layer for layer in found if any(_matches(layer, each) for each in entry.layers)]
    if not exposed:
        raise CatalogueError(
            f"models.{entry.name}.layers: no layer of {entry.architecture} matches "
            f"{list(entry.layers)}; its layers are {listed(layer.name for layer in found)}."
        )
    return exposed


def _matches(layer: Layer, pattern: str) -> bool:
    """A pattern without a selection means whole codes, and of modules their usual selections."""
    if SEPARATOR in pattern:
        return fnmatch.fnmatchcase(layer.name, pattern)
    node, selection = split(layer.name)
    usual = not selection or (layer.composite and selection in _USUAL_SELECTIONS)
    return usual and fnmatch.fnmatchcase(node, pattern)
