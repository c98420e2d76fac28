"""Stages that change a code's length and not its direction."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor
from torch.linalg import vector_norm

from preimage_worker.inversion.defences.stage import Form, Map, Statistics
from preimage_worker.inversion.errors import DefenceError
from preimage_worker.inversion.settings import require

_SHORTEST = 1e-6
"""Of the median norm: codes that are shorter have no direction."""


@final
@dataclass(frozen=True)
class Clip(Map):
    """Codes longer than a limit are shortened to it."""

    rel_norm: float
    """The limit, relative to the median norm of other pictures' codes."""

    name: ClassVar[str] = "clip"

    def __post_init__(self) -> None:
        require("clip:rel_norm", self.rel_norm, 1e-6, 1e6)

    def fit(self, codes: Tensor, form: Form, key: int) -> Statistics:  # noqa: ARG002
        """The limit."""
        return {"limit": self.rel_norm * _median_norm(codes)}

    def after(self, form: Form, statistics: Statistics) -> Form:  # noqa: ARG002
        """The same."""
        return form

    def apply(self, codes: Tensor, form: Form, statistics: Statistics) -> Tensor:  # noqa: ARG002
        """Times min(1, limit / ‖c‖)."""
        limit = statistics["limit"]
        return codes * (limit / _norms(codes).maximum(limit))

    def lift(self, released: Tensor, form: Form, statistics: Statistics) -> Tensor:  # noqa: ARG002
        """As it is."""
        return released

    def longest(self, limit: float, statistics: Statistics) -> float:
        """The lower of the two."""
        return min(limit, float(statistics["limit"]))


@final
@dataclass(frozen=True)
class Normalise(Map):
    """Every code at length 1."""

    name: ClassVar[str] = "normalise"

    def fit(self, codes: Tensor, form: Form, key: int) -> Statistics:  # noqa: ARG002
        """The median norm."""
        return {"norm": _median_norm(codes)}

    def after(self, form: Form, statistics: Statistics) -> Form:  # noqa: ARG002
        """The same."""
        return form

    def apply(self, codes: Tensor, form: Form, statistics: Statistics) -> Tensor:  # noqa: ARG002
        """Over its norm."""
        return codes / _norms(codes).maximum(_SHORTEST * statistics["norm"])

    def lift(self, released: Tensor, form: Form, statistics: Statistics) -> Tensor:  # noqa: ARG002
        """At the median length of other pictures' codes."""
        return released * statistics["norm"]

    def longest(self, limit: float, statistics: Statistics) -> float:  # noqa: ARG002
        """1."""
        return 1.0


def _median_norm(codes: Tensor) -> Tensor:
    norms = [vector_norm(code.double()) for code in codes]  # in float64 one at a time
    median = torch.stack(norms).median().float()
    if not median > 0:
        raise DefenceError(
            "At least half of the codes that the defence is fitted to are zero, so there is no "
            "median norm to be relative to; choose another layer, or other pictures."
        )
    return median


def _norms(codes: Tensor) -> Tensor:
    norms: Tensor = vector_norm(codes.flatten(1), dim=1)
    return norms.reshape(-1, *(1,) * (codes.ndim - 1))
