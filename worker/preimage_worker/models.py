"""The models that this worker serves: announcements for the frontend, representations for jobs.

Describing a model (`describing`) and loading it are apart: a description needs no weights, and the
networks of a large catalogue are loaded when the first job asks for them. What was used longest ago
leaves first when room is needed, networks and the parts cut from them alike.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import final

import torch
from torch import Tensor, nn

from preimage.v1 import model_service_pb2 as wire
from preimage_worker import architectures, describing, weights
from preimage_worker.catalogue import IncludedWeights, ModelEntry, TorchvisionWeights
from preimage_worker.errors import InvalidSpecError, WeightsError, WeightsMissingError
from preimage_worker.formulas import FORMULAS
from preimage_worker.inversion.representations import network
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.representations.joined import join
from preimage_worker.inversion.representations.order import in_faster_order
from preimage_worker.inversion.representations.rest import rest
from preimage_worker.inversion.representations.survey import Survey
from preimage_worker.names import no_model
from preimage_worker.recent import Recent
from preimage_worker.settings import Settings

log = logging.getLogger(__name__)

_LOADED_NETWORKS = 4
"""Networks kept on the device."""
_KEPT_CUTS = 32
"""Representations kept; those of a network share its weights."""


@final
@dataclass(frozen=True)
class Served:
    """A model of the catalogue as it stands on this worker."""

    entry: ModelEntry
    source: weights.Source | None
    """None: a formula, or weights that cannot be used (then `announcement` says so)."""
    announcement: wire.Model
    classes: str | None
    """The node that gives the scores of the classes; None where the model does not classify."""


@final
class Models:
    """What this worker can invert."""

    def __init__(
        self, entries: tuple[ModelEntry, ...], settings: Settings, device: torch.device
    ) -> None:
        self._device = device
        self._served = {entry.name: _serve(entry, settings) for entry in entries}
        self._cuts = Recent[tuple[str, ...], Representation](_KEPT_CUTS)
        self._rests = Recent[tuple[str, str], Callable[[Tensor], Tensor] | None](_KEPT_CUTS)
        self._networks = Recent[str, Survey](_LOADED_NETWORKS, self._forget)

    def announcements(self) -> list[wire.Model]:
        """Every model of the catalogue, with what is missing where something is."""
        return [served.announcement for served in self._served.values()]

    def warn_of_missing(self) -> None:
        """Logs the sentence of every model that is not served."""
        for model in self.announcements():
            if model.unavailable_reason:
                log.warning("%s", model.unavailable_reason)

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
            raise InvalidSpecError(no_model(name, self._served))
        if served.announcement.availability != wire.AVAILABILITY_SERVED:
            raise InvalidSpecError(served.announcement.unavailable_reason)
        return served

    def representation(self, name: str, layers: str | Sequence[str]) -> Representation:
        """A layer of a model, or several as one, on the device; raises InvalidSpecError.

        Several give one vector from one pass: `representations.parts.parts_of` says what in it
        belongs to which layer.
        """
        served = self.served(name)
        wanted = (layers,) if isinstance(layers, str) else tuple(layers)
        known = {each.name for each in served.announcement.layers}
        for layer in wanted:
            if layer not in known:
                raise InvalidSpecError(f"The model {name!r} has no layer {layer!r}.")
        return self._made(served, wanted)

    def classifier(self, name: str) -> Callable[[Tensor], Tensor] | None:
        """The whole network of a model that classifies: canvases to scores `(lanes, classes)`.

        None where the model does not classify. Raises InvalidSpecError if it is not served.
        """
        served = self.served(name)
        return self._made(served, (served.classes,)) if served.classes else None

    def rest(self, name: str, layer: str) -> Callable[[Tensor], Tensor] | None:
        """The network behind a layer: from its codes to the scores of classes.

        None where the model does not classify, or the scores need more of the picture than this
        code. Raises InvalidSpecError if the model is not served.
        """
        served = self.served(name)
        if served.classes is None or served.entry.is_formula:
            return None
        surveyed = self._networks.get(name, lambda: self._load(served))
        # Kept, because torch.fx keeps the source of every module that it makes for good.
        make = partial(rest, surveyed.traced, layer, served.classes)
        return self._rests.get((name, layer), make)

    def _forget(self, name: str) -> None:
        self._cuts.drop(lambda cut: cut[0] == name)
        self._rests.drop(lambda cut: cut[0] == name)

    def _made(self, served: Served, layers: tuple[str, ...]) -> Representation:
        entry = served.entry
        if entry.is_formula:
            formula = FORMULAS[entry.architecture]
            return join([formula.layers[layer]() for layer in layers])
        # Asked for each time, so that a network is in use while one of its parts is.
        surveyed = self._networks.get(entry.name, lambda: self._load(served))
        return self._cuts.get(
            (entry.name, *layers),
            lambda: network.networks(
                surveyed, layers, name=entry.name, preprocessing=describing.preprocessing(entry)
            ),
        )

    def _load(self, served: Served) -> Survey:
        assert served.source is not None
        loaded = architectures.build(served.entry, served.source, self._device)
        return in_faster_order(describing.survey_of(served.entry, loaded))


def _serve(entry: ModelEntry, settings: Settings) -> Served:
    if entry.is_formula:
        model, classes = describing.describe(entry, None)
        model.availability = wire.AVAILABILITY_SERVED
        model.digest = describing.digest(model)
        return Served(entry, None, model, classes)
    source, bare, missing = _find(entry, settings)
    model, classes = describing.describe(entry, bare)
    if source is None:
        model.availability = wire.AVAILABILITY_WEIGHTS_MISSING
        model.unavailable_reason = missing
    else:
        if isinstance(entry.weights, IncludedWeights) and bare is not None:
            source = weights.with_digest(source, bare)
        model.availability = wire.AVAILABILITY_SERVED
        model.weights, model.weights_digest = source.words, source.digest
    model.digest = describing.digest(model)
    return Served(entry, source, model, classes)


def _find(
    entry: ModelEntry, settings: Settings
) -> tuple[weights.Source | None, nn.Module | None, str]:
    """Where the weights are, the bare network, and why there are no weights to compute with.

    Of a program that is not here there is no network either.
    """
    source, bare = None, None
    try:
        source = _weights(entry, settings)
        bare = architectures.bare(entry, source)
        if source.file and entry.scheme != "export":
            architectures.check_fit(bare, entry, source.file)
    except WeightsError as missing:
        if bare is None and entry.scheme != "export":
            bare = architectures.bare(entry, None)
        return None, bare, str(missing)
    return source, bare, ""


def _weights(entry: ModelEntry, settings: Settings) -> weights.Source:
    try:
        return weights.find(entry, settings.weights_dir)
    except WeightsMissingError:
        allowed = settings.download_models & {entry.name, "all"}
        if not allowed or not isinstance(entry.weights, TorchvisionWeights):
            raise
    return weights.download(entry)
