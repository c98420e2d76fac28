"""What people type into fields: sizes, strengths of the priors, lists of them."""

from __future__ import annotations

import math
import re
from typing import Literal

from preimage.errors import BadInput
from preimage.parts import Size

__all__ = ["read_factors", "read_size", "read_strength"]

_SIZE = re.compile(r"\s*(\d{1,5})\s*[x×*, ]\s*(\d{1,5})\s*", re.IGNORECASE)


def read_size(text: str) -> Size | None:
    """Reads "227 x 227", width before height as the page writes it; None: nothing was typed.

    Raises:
        BadInput: it is no size.
    """
    if not text.strip():
        return None
    found = _SIZE.fullmatch(text)
    if found is None:
        raise BadInput(f"The size {text!r} is not WIDTH x HEIGHT in pixels, like 256 x 192.")
    width, height = map(int, found.groups())
    return Size(height, width)


def read_strength(text: str) -> float | Literal["auto"] | None:
    """Reads "0.5" or "auto"; None: nothing was typed, so the preset's own.

    Raises:
        BadInput: it is neither.
    """
    word = text.strip().lower()
    if not word:
        return None
    return "auto" if word == "auto" else _factor(word)


def read_factors(text: str) -> tuple[float, ...]:
    """Reads "0.1, 1, 10": the factors to compare, without those that stand there twice.

    Raises:
        BadInput: one of them is no factor, or there is none.
    """
    factors = tuple(dict.fromkeys(_factor(word) for word in re.split(r"[\s,;]+", text) if word))
    if not factors:
        raise BadInput("Name at least one factor λ to compare, like 0.1, 1, 10.")
    return factors


def _factor(word: str) -> float:
    try:
        factor = float(word)
    except ValueError:
        factor = math.nan
    if not 0 <= factor < math.inf:
        raise BadInput(f"{word!r} is no factor of the priors: a number from 0 on, like 0.5.")
    return factor
