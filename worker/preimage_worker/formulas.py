"""Representations that are formulas: no weights, and pictures of any size.

An architecture is one entry of `FORMULAS`. Its layers are the representations themselves, so a
model with several of them lists them all here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import final

from preimage_worker.inversion.representations import dsift, hog
from preimage_worker.inversion.representations.base import Formula


@final
@dataclass(frozen=True)
class Family:
    """Representations of one kind, which differ in their layers."""

    kind: str
    """What computes them, as `Layer.kind` says it: "HOG"."""
    layers: Mapping[str, Callable[[], Formula]]
    """By name; the first one is what presets are described for."""


FORMULAS: dict[str, Family] = {
    "hog": Family("HOG", {"hog": hog.hog}),
    "hogb": Family("HOG", {"hogb": hog.hogb}),
    "dsift": Family("DSIFT", {"bin5": dsift.bin5, "bin8": dsift.bin8}),
}
"""By the catalogue's `architecture`."""
