"""Representations that are formulas: no weights, and pictures of any size.

An architecture is one entry of `FORMULAS`. Its layers are the representations themselves, so a
model with several of them lists them all here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import final

from preimage_worker.inversion.representations import hog
from preimage_worker.inversion.representations.base import Representation


@final
@dataclass(frozen=True)
class Formula:
    """A family of representations of grey or colour pictures."""

    kind: str
    """What computes it, as `Layer.kind` says it: "HOG"."""
    minimum_side: int
    """Smallest side of a picture, in pixels."""
    layers: Mapping[str, Callable[[], Representation]]
    """By name; the first one is what presets are described for."""


FORMULAS: dict[str, Formula] = {
    "hog": Formula("HOG", hog.SMALLEST_SIDE, {"hog": hog.hog}),
    "hogb": Formula("HOG", hog.SMALLEST_SIDE, {"hogb": hog.hogb}),
}
"""By the catalogue's `architecture`."""
