"""Defences as callers write them: one text may stand for several, one for each value."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PLUS = re.compile(r"(?<![0-9][eE])\+")  # not the one in 1e+3


def each_defence(texts: Iterable[str]) -> tuple[str, ...]:
    """Writes every combination of values as a defence of its own.

    "gaussian:rel_rms=0.1,0.3" becomes two. What the words mean, and whether they are right, the
    service says. "none" is left out, because it is audited always.
    """
    chains = (
        "+".join(stages)
        for text in texts
        for stages in itertools.product(*(_each_stage(word) for word in _PLUS.split(text)))
    )
    return tuple(dict.fromkeys(chain for chain in chains if chain.strip() != "none"))


def _each_stage(word: str) -> list[str]:
    """The stage with every combination of its settings' values."""
    name, colon, rest = word.partition(":")
    settings: list[list[str]] = []
    for item in rest.split(",") if colon else ():
        if "=" in item or not settings:
            settings.append([item])
        else:  # one more value of the setting before it
            setting = settings[-1][0].partition("=")[0]
            settings[-1].append(f"{setting}={item.strip()}")
    return [f"{name}{colon}{','.join(chosen)}" for chosen in itertools.product(*settings)]
