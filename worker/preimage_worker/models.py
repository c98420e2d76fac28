"""The models that this worker serves: announcements for the frontend, representations for jobs.

Describing a model (its layers and their shapes) and loading it are apart: a description needs no
weights, and the networks of a large catalogue are loaded when the first job asks for them.
"""

import fnmatch
import hashlib
import json
import logging
from dataclasses import dataclass
from typing import final

import torch

from preimage.v1 import model_service_pb2 as wire
from preimage.v1 import tensor_pb2
from preimage_worker import weights
from preimage_worker.catalogue import ModelEntry
from preimage_worker.errors import CatalogueError, InvalidSpecError, WeightsMissingError
from preimage_worker.inversion import presets
from preimage_worker.inversion.errors import InversionError
from preimage_worker.inversion.representations import hog, network
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.pictures import RESAMPLING
from preimage_worker.settings import Settings

log = logging.getLogger(__name__)

_LOADED_NETWORKS = 4
"""Networks kept on the device; the one that was used longest ago goes first."""
_ANY_SIZE_SIDE = 224
"""The picture for which representations of any size state their code's shape."""
_SPATIAL_AXES = 3
_PRESETS = {
    "mv2016": "Mahendran & Vedaldi, IJCV 2016: decayed Adagrad with momentum, jitter and a bound.",
    "mv2015": "Mahendran & Vedaldi, CVPR 2015: gradient descent with momentum, no jitter.",
}
"""What is announced; the first one is the default."""


@final
@dataclass(frozen=True)
class Served:
    """A model of the catalogue as it stands on this worker."""

    entry: ModelEntry
    source: weights.Source | None
    """None: a formula, or weights that cannot be had (then `announcement` says so)."""
    announcement: wire.Model


@final
class Models:
    """What this worker can invert."""

    def __init__(
        self, entries: tuple[ModelEntry, ...], settings: Settings, device: torch.device
    ) -> None:
        self._device = device
        self._served = {entry.name: _describe(entry, settings) for entry in entries}
        self._networks: dict[str, torch.nn.Module] = {}
        self._cut: dict[tuple[str, str], Representation] = {}

    def announcements(self) -> list[wire.Model]:
        """Every model of the catalogue, with what is missing where something is."""
        return [served.announcement for served in self._served.values()]

    def pools(self) -> list[str]:
        """What this worker can take jobs for: "NAME@DIGEST" of every model that is served."""
        return [
            f"{model.name}@{model.digest}"
            for model in self.announcements()
            if model.availability == wire.AVAILABILITY_SERVED
        ]

    def served(self, name: str) -> Served:
        """One model; raises InvalidSpecError if it cannot be used here."""
        served = self._served.get(name)
        if served is None:
            raise InvalidSpecError(f"This worker's catalogue has no model {name!r}.")
        if served.announcement.availability != wire.AVAILABILITY_SERVED:
            raise InvalidSpecError(served.announcement.unavailable_reason)
        return served

    def representation(self, name: str, layer: str) -> Representation:
        """A layer of a model, cut and on the device; raises InvalidSpecError."""
        served = self.served(name)
        if layer not in {each.name for each in served.announcement.layers}:
            raise InvalidSpecError(f"The model {name!r} has no layer {layer!r}.")
        if (name, layer) not in self._cut:
            self._cut[name, layer] = self._make(served, layer)
        return self._cut[name, layer]

    def _make(self, served: Served, layer: str) -> Representation:
        entry = served.entry
        if entry.handmade:
            return _handmade(entry)
        return network.network(
            self._network(served), layer, name=entry.name, mean=entry.mean, std=entry.std
        )

    def _network(self, served: Served) -> torch.nn.Module:
        name = served.entry.name
        loaded = self._networks.pop(name, None)
        if loaded is None:
            assert served.source is not None
            self._make_room()
            loaded = weights.build(served.entry, served.source).to(self._device)
        self._networks[name] = loaded
        return loaded

    def _make_room(self) -> None:
        while len(self._networks) >= _LOADED_NETWORKS:
            oldest = next(iter(self._networks))
            del self._networks[oldest]
            self._cut = {key: cut for key, cut in self._cut.items() if key[0] != oldest}


def _describe(entry: ModelEntry, settings: Settings) -> Served:
    model = wire.Model(name=entry.name, architecture=entry.architecture)
    if entry.handmade:
        _describe_handmade(entry, model)
        return Served(entry, None, _with_digest(model))
    _describe_network(entry, model)
    try:
        source = _weights(entry, settings)
    except WeightsMissingError as missing:
        log.warning("%s", missing)
        model.availability = wire.AVAILABILITY_WEIGHTS_MISSING
        model.unavailable_reason = str(missing)
        return Served(entry, None, _with_digest(model))
    model.availability = wire.AVAILABILITY_SERVED
    model.weights, model.weights_digest = source.words, source.digest
    return Served(entry, source, _with_digest(model))


def _weights(entry: ModelEntry, settings: Settings) -> weights.Source:
    try:
        return weights.find(entry, settings.weights_dir)
    except WeightsMissingError:
        if not settings.download_models & {entry.name, "all"}:
            raise
    return weights.download(entry)


def _presets(representation: Representation, height: int, width: int) -> list[wire.Preset]:
    return [
        wire.Preset(
            name=name,
            description=description,
            steps=presets.resolve(name, representation, height, width).steps,
        )
        for name, description in _PRESETS.items()
    ]


def _handmade(entry: ModelEntry) -> Representation:
    return hog.Hog(bilinear=entry.architecture == "hogb")


def _describe_handmade(entry: ModelEntry, model: wire.Model) -> None:
    representation = _handmade(entry)
    side = _ANY_SIZE_SIDE
    model.availability = wire.AVAILABILITY_SERVED
    model.weights = "none: a formula"
    model.preprocessing.CopyFrom(
        wire.Preprocessing(
            any_size=True,
            minimum_side=hog.SMALLEST_SIDE,
            channels=representation.channels,
            resampling=RESAMPLING,
            divisor=1,
            mean=representation.mean,
            std=[1.0] * representation.channels,
        )
    )
    model.layers.add(
        name=representation.layer,
        kind="HOG",
        code_shape=representation.code_shape(side, side),
        stride=hog.CELL,
    )
    model.presets.extend(_presets(representation, side, side))


def _describe_network(entry: ModelEntry, model: wire.Model) -> None:
    assert entry.input_size is not None
    height, width = entry.input_size
    model.preprocessing.CopyFrom(
        wire.Preprocessing(
            input_size=tensor_pb2.PictureSize(height=height, width=width),
            minimum_side=1,
            channels=len(entry.mean),
            resampling=RESAMPLING,
            divisor=255,
            mean=entry.mean,
            std=entry.std,
        )
    )
    bare = weights.architecture(entry)
    try:
        shapes = network.node_shapes(bare, height, width)
    except InversionError as error:
        raise CatalogueError(f"models.{entry.name}.input_size: {error}") from None
    for name, shape in _with_modules(bare, shapes).items():
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in entry.layers):
            model.layers.add(
                name=name, kind=_kind(bare, name), code_shape=shape, stride=_stride(height, shape)
            )
    if not model.layers:
        raise CatalogueError(
            f"models.{entry.name}.layers: no layer of {entry.architecture} matches "
            f"{list(entry.layers)}; its layers are {', '.join(shapes)}."
        )
    first = network.network(
        bare, model.layers[0].name, name=entry.name, mean=entry.mean, std=entry.std
    )
    model.presets.extend(_presets(first, height, width))


def _with_modules(
    bare: torch.nn.Module, shapes: dict[str, tuple[int, ...]]
) -> dict[str, tuple[int, ...]]:
    """The nodes, and behind the last node of every composite module the module itself.

    So "features.5" names what the Fire module of that name gives, whatever its last node is called.
    """
    ends: dict[str, list[str]] = {}
    nodes = network.list_nodes(bare)
    for module, _ in bare.named_modules():
        inside = [node for node in nodes if module and node.startswith(f"{module}.")]
        if inside and module not in shapes and inside[-1] in shapes:
            ends.setdefault(inside[-1], []).append(module)
    layers: dict[str, tuple[int, ...]] = {}
    for node, shape in shapes.items():
        layers[node] = shape
        layers |= dict.fromkeys(reversed(ends.get(node, [])), shape)
    return layers


def _kind(bare: torch.nn.Module, name: str) -> str:
    """The class of a module, or the name of a function: "Conv2d", "add"."""
    try:
        return type(bare.get_submodule(name)).__name__
    except AttributeError:
        return name.rpartition(".")[2].split("_")[0]


def _stride(height: int, shape: tuple[int, ...]) -> int:
    """Pixels between neighbouring positions of a spatial code, else 1."""
    return round(height / shape[1]) if len(shape) == _SPATIAL_AXES else 1


def _with_digest(model: wire.Model) -> wire.Model:
    """Adds the digest: equal for equal architecture, weights and preprocessing, nothing else."""
    facts = [
        model.architecture,
        model.weights_digest,
        model.preprocessing.SerializeToString(deterministic=True).hex(),
    ]
    model.digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
    return model
