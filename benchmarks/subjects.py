"""What the benchmarks invert: layers of formulas and of the networks in the worker's catalogue.

Networks are loaded as a worker loads them, its memory order included, so that what is measured is
what is served. Weights that are missing end a benchmark with a sentence; they are downloaded only
where PREIMAGE_DOWNLOAD_MODELS asks for it.
"""

import os
from dataclasses import replace
from functools import lru_cache

import torch

from preimage_worker import catalogue
from preimage_worker import device as devices
from preimage_worker.catalogue import RandomWeights
from preimage_worker.errors import InvalidSpecError, SettingsError
from preimage_worker.formulas import FORMULAS
from preimage_worker.inversion.errors import InversionError
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.models import Models
from preimage_worker.settings import Settings

SQUEEZENET = "squeezenet1_0"
SIDE = 227
"""Of the pictures that SqueezeNet takes, and of all others in the same table."""
SHALLOW = {name: make for family in FORMULAS.values() for name, make in family.layers.items()}
"""Layers of formulas, by name; all others are nodes of a network."""


def representation(
    layer: str, device: torch.device, model: str = SQUEEZENET, *, random: bool = False
) -> Representation:
    """A formula by its layer's name, else a node of a network.

    Args:
        layer: "hogb", "features.5".
        device: where it runs.
        model: the network's name in the built-in catalogue; formulas do not need it.
        random: whether its weights are drawn from seed 0 instead of read from a file.

    Raises:
        SystemExit: the weights are not here, or there is no such layer; with a sentence.
    """
    if layer in SHALLOW:
        return SHALLOW[layer]()
    try:
        return served(model, device, random=random).representation(model, layer)
    except (InvalidSpecError, InversionError) as error:
        raise SystemExit(str(error)) from None


def served(model: str, device: torch.device, *, random: bool = False) -> Models:
    """A worker's models: this one alone."""
    return _models(model, device, tuple(os.environ.items()), random=random)


def input_size(model: str) -> tuple[int, int]:
    """Height and width of the pictures that a network takes."""
    size = _entry(model).input_size
    assert size is not None
    return size


def device(wanted: str) -> torch.device:
    """The device that an option names; raises SystemExit with a sentence where there is none."""
    try:
        return devices.choose(wanted)
    except SettingsError as error:
        raise SystemExit(str(error)) from None


@lru_cache
def _models(
    model: str, device: torch.device, environment: tuple[tuple[str, str], ...], *, random: bool
) -> Models:
    settings = Settings.from_environment({"PREIMAGE_DOWNLOAD_MODELS": "none"} | dict(environment))
    entry = _entry(model)
    if random:
        entry = replace(entry, weights=RandomWeights(0))
    return Models((entry,), settings, device)


def _entry(model: str) -> catalogue.ModelEntry:
    return next(entry for entry in catalogue.load(None) if entry.name == model)
