"""Values of options that are more than a word or a number."""

from typing import NamedTuple

import typer

from preimage.parts import Box, Plateau, Size

__all__ = ["Range", "read_box", "read_plateau", "read_range", "read_size"]


class Range(NamedTuple):
    """Indices begin … end − 1."""

    begin: int
    """First index, at least 0."""
    end: int
    """One past the last index."""


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


def _numbers(text: str, separator: str, count: int, form: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(separator)]
    except ValueError:
        numbers = []
    if len(numbers) != count:
        raise typer.BadParameter(f"{text!r} is not {form}.")
    return numbers
