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
import torchvision

from preimage.v1 import model_service_pb2 as wire
from preimage.v1 import tensor_pb2
from preimage_worker import weights
from preimage_worker.catalogue import ModelEntry
from preimage_worker.errors import InvalidSpecError, WeightsMissingError
from preimage_worker.inversion import presets
from preimage_worker.inversion.representations import hog, network
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.pictures import RESAMPLING
from preimage_worker.settings import Settings

log = logging.getLogger(__name__)

_LOADED_NETWORKS = 4
"""Networks kept on the device; the one that was used longest ago goes first."""
_ANY_SIZE_SIDE = 224
"""The picture for which representations of any size state their code's shape."""


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
            return hog.hog() if entry.architecture == "hog" else hog.hogb()
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
    model = wire.Model(name=entry.name, architecture=entry.architecture, presets=_presets())
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


def _presets() -> list[wire.Preset]:
    return [
        wire.Preset(name=preset.name, description=preset.description, steps=preset.steps)
        for preset in presets.ALL
    ]


def _describe_handmade(entry: ModelEntry, model: wire.Model) -> None:
    representation = hog.hog() if entry.architecture == "hog" else hog.hogb()
    model.availability = wire.AVAILABILITY_SERVED
    model.weights = "none: a formula"
    side = _ANY_SIZE_SIDE
    model.preprocessing.CopyFrom(
        wire.Preprocessing(
            any_size=True,
            minimum_side=hog.MINIMUM_SIDE,
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
        stride=round(representation.stride(side, side)),
    )


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
    with torch.device("meta"):
        bare = torchvision.models.get_model(weights.architecture_name(entry), weights=None).eval()
    for name, node in network.nodes(bare, height, width).items():
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in entry.layers):
            model.layers.add(name=name, kind=node.kind, code_shape=node.shape, stride=node.stride)


def _with_digest(model: wire.Model) -> wire.Model:
    """Adds the digest: equal for equal architecture, weights and preprocessing, nothing else."""
    facts = [
        model.architecture,
        model.weights_digest,
        model.preprocessing.SerializeToString(deterministic=True).hex(),
    ]
    model.digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
    return model
