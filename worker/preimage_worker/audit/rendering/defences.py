"""Defences in plain words, for readers who have never written one."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from preimage_worker.audit.rendering.figures import number, percent
from preimage_worker.inversion.defences.bases import Pca
from preimage_worker.inversion.defences.grammar import NONE, parse
from preimage_worker.inversion.errors import InversionError

_AS_THEY_ARE: Final = "codes as they are"


def plainly(defence: str) -> str:
    """What a chain does to codes; empty where it cannot be read, as one of a later version."""
    if defence == NONE:
        return _AS_THEY_ARE
    try:
        (chain,) = parse(defence)
    except (InversionError, ValueError):
        return ""
    return ", then ".join(WORDS[stage.name](stage) for stage in chain.stages)


def _components(stage: Pca) -> str:
    if stage.components is not None:
        return f"only the first {stage.components} principal components kept"
    return f"principal components kept up to {percent(stage.variance or 0)} of the variance"


WORDS: Final[Mapping[str, Callable[[Any], str]]] = {
    "gaussian": lambda one: f"Gaussian noise of {number(one.rel_rms)} × the codes' size",
    "laplace": lambda one: f"Laplace noise of {number(one.rel_rms)} × the codes' size",
    "clip": lambda one: f"length cut at {number(one.rel_norm)} × the usual one",
    "normalise": lambda _: "every code brought to length 1",
    "quantise": lambda one: f"each number rounded to one of {2**one.bits}",
    "sign": lambda _: "only the signs kept",
    "topk": lambda one: f"only the largest {percent(one.fraction)} kept",
    "prune": lambda one: f"the smallest {percent(one.fraction)} set to 0",
    "pca": _components,
    "projection": lambda one: (
        f"mixed into {one.dimensions} numbers{' with a secret key' if one.keyed else ''}"
    ),
    "pool": lambda one: f"means over {one.k} × {one.k} positions",
    "drop_positions": lambda one: f"{percent(one.fraction)} of the positions left out",
    "drop_channels": lambda one: f"{percent(one.fraction)} of the channels left out",
}
"""Of each stage, by its name."""
