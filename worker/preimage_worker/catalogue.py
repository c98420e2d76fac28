"""The operator's catalogue: which models a worker serves, and how.

A TOML file says what each model is, where its weights come from, how pictures become its input and
which layers are exposed; `catalogue.toml` beside this module is the built-in one and documents the
format. Parsing turns text into values or into one clear sentence; it makes no network.
"""

import math
import re
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
SCHEMES = {"torchvision": "MODEL", "export": "FILE.pt2", "python": "package.module:function"}
"""Kinds of architecture that name something outside this package, and what follows the colon."""
_KEYS = {
    *("architecture", "weights", "sha256", "input_size", "mean", "std", "divisor"),
    *("layers", "classifies"),
}
_WHITE = 255.0


@final
@dataclass(frozen=True)
class FileWeights:
    """A safetensors file or an exported program, relative to PREIMAGE_WEIGHTS_DIR or absolute."""

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


@final
@dataclass(frozen=True)
class IncludedWeights:
    """Those that the function which makes the network puts into it."""


Weights = FileWeights | TorchvisionWeights | RandomWeights | IncludedWeights


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
    divisor: float = _WHITE
    """What grey levels are divided by before `mean` and `std` apply."""
    layers: tuple[str, ...] = ("*",)
    classifies: bool = False
    """Whether its output is a score for each of several classes."""

    @property
    def is_formula(self) -> bool:
        """Whether it is a formula: no weights, any picture size."""
        return self.architecture in FORMULAS

    @property
    def scheme(self) -> str:
        """One of `SCHEMES`; empty for what this package brings along itself."""
        scheme, colon, _ = self.architecture.partition(":")
        return scheme if colon else ""

    @property
    def target(self) -> str:
        """What the architecture names behind its scheme."""
        return self.architecture.partition(":")[2]


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
    except (tomllib.TOMLDecodeError, RecursionError) as error:
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
        choices = [f"{scheme}:{what}" for scheme, what in SCHEMES.items()]
        raise ValueError(
            f"models.{name}.architecture must be one of "
            f"{', '.join((*choices, *FORMULAS, *NETWORKS))}, not {architecture!r}"
        )
    if architecture in FORMULAS:
        return ModelEntry(name, architecture, weights=None, input_size=None)
    mean = _numbers(name, table, "mean", IMAGENET_MEAN)
    return ModelEntry(
        name,
        architecture,
        weights=_weights_of(name, architecture, table),
        input_size=_size(name, table.get("input_size")),
        mean=mean,
        std=_positive(name, "std", _numbers(name, table, "std", IMAGENET_STD), len(mean)),
        divisor=_positive(name, "divisor", (table.get("divisor", _WHITE),), 1)[0],
        layers=_patterns(name, table.get("layers", ["*"])),
        classifies=_flag(name, table, "classifies", architecture.startswith("torchvision:")),
    )


def _known(architecture: str) -> bool:
    scheme, _, target = architecture.partition(":")
    if architecture in (FORMULAS | NETWORKS):
        return True
    if scheme == "python":
        return all(part.isidentifier() for part in re.split(r"[.:]", target)) and ":" in target
    return scheme in SCHEMES and bool(target)


def _weights_of(name: str, architecture: str, table: Mapping[str, Any]) -> Weights:
    scheme, _, target = architecture.partition(":")
    digest = table.get("sha256")
    if scheme == "export":
        if "weights" in table or not isinstance(digest, str | None):
            raise ValueError(
                f"models.{name} is a program, which has its weights inside: it takes no weights, "
                'but may take sha256 = "…" of its file'
            )
        return FileWeights(target, digest.lower() if digest else None)
    if digest is not None:
        raise ValueError(f"models.{name}.sha256 is of programs; put it into weights")
    included = {"python": "included", "torchvision": "torchvision"}
    weights = _weights(name, table.get("weights", included.get(scheme)))
    if isinstance(weights, TorchvisionWeights) and scheme != "torchvision":
        raise ValueError(f'models.{name}.weights: torchvision has none for "{architecture}"')
    if isinstance(weights, IncludedWeights) and scheme != "python":
        raise ValueError(f'models.{name}.weights: only networks of "python:" include theirs')
    return weights


def _weights(name: str, value: object) -> Weights:
    match value:
        case "torchvision":
            return TorchvisionWeights()
        case "included":
            return IncludedWeights()
        case {"file": str(file), "sha256": str(digest), **rest} if not rest:
            return FileWeights(file, digest.lower())
        case {"file": str(file), **rest} if not rest:
            return FileWeights(file)
        case {"random": int(seed), **rest} if not rest:
            return RandomWeights(seed)
    raise ValueError(
        f'models.{name}.weights must be "torchvision", "included", '
        f'{{ file = "F.safetensors", sha256 = "…" }} or {{ random = SEED }}, not {value!r}'
    )


def _size(name: str, value: object) -> tuple[int, int]:
    match value:
        case [int(height), int(width)] if height > 0 and width > 0:
            return height, width
    raise ValueError(f"models.{name}.input_size must be [height, width] in pixels, not {value!r}")


def _numbers(
    name: str, table: Mapping[str, Any], key: str, default: tuple[float, ...]
) -> tuple[float, ...]:
    values = table.get(key, list(default))
    if isinstance(values, list) and values and all(_is_number(each) for each in values):
        return tuple(float(each) for each in values)
    raise ValueError(f"models.{name}.{key} must be a list of numbers, one a channel")


def _positive(name: str, key: str, values: tuple[float, ...], count: int) -> tuple[float, ...]:
    if len(values) == count and all(_is_number(each) and each > 0 for each in values):
        return tuple(float(each) for each in values)
    many = "a number" if count == 1 else f"{count} numbers, as many as mean has, each"
    raise ValueError(f"models.{name}.{key} must be {many} above 0")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _patterns(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return tuple(value)
    raise ValueError(f'models.{name}.layers must be a list of patterns such as "features.*"')


def _flag(name: str, table: Mapping[str, Any], key: str, default: bool) -> bool:  # noqa: FBT001 - a value of the file
    value = table.get(key, default)
    if isinstance(value, bool):
        return value
    raise ValueError(f"models.{name}.{key} must be true or false, not {value!r}")
