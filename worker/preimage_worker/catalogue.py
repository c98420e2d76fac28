"""The operator's catalogue: which models a worker serves, and how.

A TOML file says what each model is, where its weights come from, how pictures become its input and
which layers are exposed; `catalogue.toml` beside this module is the built-in one and documents the
format. Parsing turns text into values or into one clear sentence; it makes no network.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, final

from preimage_worker.errors import CatalogueError
from preimage_worker.formulas import FORMULAS
from preimage_worker.networks import NETWORKS

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
_KEYS = {"architecture", "weights", "input_size", "mean", "std", "layers", "classifies"}
_RGB = 3


@final
@dataclass(frozen=True)
class FileWeights:
    """A safetensors file, relative to PREIMAGE_WEIGHTS_DIR or absolute."""

    file: str
    sha256: str | None = None


@final
@dataclass(frozen=True)
class TorchvisionWeights:
    """torchvision's default checkpoint of the architecture, or a local file in its place."""


@final
@dataclass(frozen=True)
class RandomWeights:
    """Weights drawn from a seed: for tests and for studies of random networks."""

    seed: int


Weights = FileWeights | TorchvisionWeights | RandomWeights


@final
@dataclass(frozen=True)
class ModelEntry:
    """One model of the catalogue."""

    name: str
    architecture: str
    weights: Weights | None
    input_size: tuple[int, int] | None
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    layers: tuple[str, ...] = ("*",)
    classifies: bool = False
    """Whether its output is a score for each of several classes."""

    @property
    def is_formula(self) -> bool:
        """Whether it is a formula: no weights, any picture size."""
        return self.architecture in FORMULAS


def load(path: Path | None) -> tuple[ModelEntry, ...]:
    """Reads a catalogue file, or the built-in one; raises CatalogueError with one sentence."""
    name = str(path) if path else "the built-in catalogue"
    try:
        source = path.read_text() if path else _built_in()
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"PREIMAGE_CATALOGUE={name} cannot be read: {error}.") from None
    return parse(source, name)


def _built_in() -> str:
    return files("preimage_worker").joinpath("catalogue.toml").read_text()


def parse(source: str, name: str = "the catalogue") -> tuple[ModelEntry, ...]:
    """Turns the text of a catalogue into its models; `name` stands in the errors."""
    try:
        models = tomllib.loads(source).get("models")
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{name} is not TOML: {error}.") from None
    if not isinstance(models, dict) or not models:
        raise CatalogueError(f"{name} has no [models.NAME] table: it must name at least one model.")
    try:
        return tuple(_entry(key, table) for key, table in models.items())
    except ValueError as error:
        raise CatalogueError(f"{name}: {error}.") from None


def _entry(name: str, table: object) -> ModelEntry:
    if not isinstance(table, dict):
        raise ValueError(f"models.{name} must be a table")  # noqa: TRY004 - the file's fault
    if unknown := table.keys() - _KEYS:
        known = ", ".join(sorted(_KEYS))
        raise ValueError(f"models.{name} has unknown keys {sorted(unknown)}; known are {known}")
    architecture = table.get("architecture")
    if not isinstance(architecture, str) or not _known(architecture):
        raise ValueError(
            f'models.{name}.architecture must be "torchvision:MODEL" or one of '
            f"{', '.join((*FORMULAS, *NETWORKS))}, not {architecture!r}"
        )
    if architecture in FORMULAS:
        return ModelEntry(name, architecture, weights=None, input_size=None)
    return ModelEntry(
        name,
        architecture,
        weights=_weights(name, table.get("weights", "torchvision")),
        input_size=_size(name, table.get("input_size")),
        mean=_channels(name, table, "mean", IMAGENET_MEAN),
        std=_channels(name, table, "std", IMAGENET_STD),
        layers=_patterns(name, table.get("layers", ["*"])),
        classifies=_flag(name, table, "classifies", architecture.startswith("torchvision:")),
    )


def _known(architecture: str) -> bool:
    return architecture in (FORMULAS | NETWORKS) or (
        architecture.startswith("torchvision:") and len(architecture) > len("torchvision:")
    )


def _weights(name: str, value: object) -> Weights:
    match value:
        case "torchvision":
            return TorchvisionWeights()
        case {"file": str(file), "sha256": str(digest), **rest} if not rest:
            return FileWeights(file, digest.lower())
        case {"file": str(file), **rest} if not rest:
            return FileWeights(file)
        case {"random": int(seed), **rest} if not rest:
            return RandomWeights(seed)
    raise ValueError(
        f'models.{name}.weights must be "torchvision", {{ file = "F.safetensors", sha256 = "…" }} '
        f"or {{ random = SEED }}, not {value!r}"
    )


def _size(name: str, value: object) -> tuple[int, int]:
    match value:
        case [int(height), int(width)] if height > 0 and width > 0:
            return height, width
    raise ValueError(f"models.{name}.input_size must be [height, width] in pixels, not {value!r}")


def _channels(
    name: str, table: Mapping[str, Any], key: str, default: tuple[float, ...]
) -> tuple[float, ...]:
    values = table.get(key, list(default))
    numbers = isinstance(values, list) and all(isinstance(each, int | float) for each in values)
    if not numbers or len(values) != _RGB or (key == "std" and min(values) <= 0):
        raise ValueError(f"models.{name}.{key} must be three numbers for values in 0…1")
    return tuple(float(each) for each in values)


def _patterns(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return tuple(value)
    raise ValueError(f'models.{name}.layers must be a list of patterns such as "features.*"')


def _flag(name: str, table: Mapping[str, Any], key: str, default: bool) -> bool:  # noqa: FBT001 - a value of the file
    value = table.get(key, default)
    if isinstance(value, bool):
        return value
    raise ValueError(f"models.{name}.{key} must be true or false, not {value!r}")
