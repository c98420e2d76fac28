"""Values of options that are more than a word or a number."""

from pathlib import Path
from typing import NamedTuple

import typer

from preimage.parts import AutomaticStrength, Box, Plateau, Size
from preimage.request import PriorWeight

__all__ = [
    "LayerCode",
    "LayerWeight",
    "Range",
    "Strength",
    "read_box",
    "read_layer",
    "read_layer_code",
    "read_plateau",
    "read_range",
    "read_size",
    "read_strength",
]


class Range(NamedTuple):
    """Indices begin … end − 1."""

    begin: int
    """First index, at least 0."""
    end: int
    """One past the last index."""


class LayerWeight(NamedTuple):
    """A layer of several."""

    layer: str
    """Its name."""
    weight: float
    """Its weight."""


class LayerCode(NamedTuple):
    """The code of a layer of several."""

    layer: str
    """Its name."""
    file: Path
    """Where its code is."""


class Strength(NamedTuple):
    """The strength of the priors: an option must have one type."""

    prior_weight: PriorWeight
    """The setting of this name."""


def read_size(text: str) -> Size:
    """Reads "227x227": height, then width, in pixels."""
    height, width = _numbers(text, "x", 2, "HEIGHTxWIDTH in pixels, like 227x227")
    return Size(height, width)


def read_range(text: str) -> Range:
    """Reads "0:64": the first index and one past the last."""
    begin, end = _numbers(text, ":", 2, "BEGIN:END, like 0:64 for the first 64")
    return Range(begin, end)


def read_box(text: str) -> Box:
    """Reads "4,4,5,5": top, left, height, width in cells of the code."""
    return Box(*_numbers(text, ",", 4, "TOP,LEFT,HEIGHT,WIDTH in cells, like 4,4,5,5"))


def read_plateau(text: str) -> Plateau:
    """Reads "0.001" or "0.001:50": the least relative decrease, and the window in steps."""
    decrease, _, window = text.partition(":")
    try:
        return Plateau(float(decrease), int(window or Plateau.window_steps))
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not DECREASE or DECREASE:STEPS, like 0.001:50."
        ) from None


def read_layer(text: str) -> LayerWeight:
    """Reads "features.5" or "features.5=0.5": a layer and its weight, 1 unless given."""
    layer, separator, weight = text.rpartition("=")
    try:
        return LayerWeight(layer, float(weight)) if separator else LayerWeight(text, 1.0)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not LAYER or LAYER=WEIGHT, like conv=0.5.") from None


def read_layer_code(text: str) -> LayerCode:
    """Reads "features.5=code.npy": a layer and the file with its code."""
    layer, _, name = text.partition("=")
    if not (layer and Path(name).is_file()):
        raise typer.BadParameter(f"{text!r} is not LAYER=FILE with a file that exists.")
    return LayerCode(layer, Path(name))


def read_strength(text: str) -> Strength:
    """Reads "0.5", "auto", "auto:2" or "auto:2:0.02": a factor, or the limit of the error."""
    word, *numbers = text.split(":")
    try:
        if word != "auto":
            return Strength(float(text))
        return Strength(AutomaticStrength(*map(float, numbers)) if numbers else "auto")
    except (TypeError, ValueError):
        form = "a factor, auto, auto:MULTIPLE or auto:MULTIPLE:ERROR, like auto:2:0.02"
        raise typer.BadParameter(f"{text!r} is not {form}.") from None


def _numbers(text: str, separator: str, count: int, form: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(separator)]
    except ValueError:
        numbers = []
    if len(numbers) != count:
        raise typer.BadParameter(f"{text!r} is not {form}.")
    return numbers
