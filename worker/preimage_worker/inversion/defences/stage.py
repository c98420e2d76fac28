"""What a stage of a defence is.

The idea: there are three kinds, by what an attacker who knows the stage can do about it.

- A *map* is a function with useful derivatives: the attacker applies it too, and inverts both.
- What *coarsens* has none (steps, choices), but every value it gives says where the value before
  lay: the attacker keeps the representation and gets bounds.
- A *noise* hides nothing systematically: the attacker takes what it sees, and averages.

Stages are plain records of their strengths. What they learn from codes of other pictures is kept
beside them, as named tensors, so that a fitted defence can be stored.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from preimage_worker.inversion.errors import DefenceError
from preimage_worker.inversion.objectives import Bounds
from preimage_worker.inversion.representations.layouts import Layout
from preimage_worker.inversion.settings import require

Statistics = Mapping[str, Tensor]
"""What a stage has learnt, by name."""


class Form(NamedTuple):
    """What a stage is given: the codes of one picture size, without the lane axis."""

    shape: tuple[int, ...]
    layout: Layout


@dataclass(frozen=True)
class Stage(ABC):
    """One stage. Codes are `(pictures, *form.shape)`, float32; no picture touches another."""

    name: ClassVar[str]
    """In the grammar of the command line."""

    @abstractmethod
    def fit(self, codes: Tensor, form: Form, key: int) -> Statistics:
        """What the stage needs to know, of codes of other pictures as they come to it.

        Args:
            codes: at least one.
            form: of the codes.
            key: 64 bits, the owner's secret, for stages that have one.

        Raises:
            DefenceError: the codes, or their form, do not suffice.
        """

    @abstractmethod
    def lift(self, released: Tensor, form: Form, statistics: Statistics) -> Tensor:
        """What was released as codes of the stage's input, the nearest guess without effort."""

    @abstractmethod
    def longest(self, limit: float, statistics: Statistics) -> float:
        """The largest norm of what is released, where that of the input is at most `limit`.

        Infinity where nothing is known.
        """


@dataclass(frozen=True)
class Map(Stage):
    """A stage with useful derivatives: an attacker puts it behind the representation."""

    @abstractmethod
    def after(self, form: Form, statistics: Statistics) -> Form:
        """Of what is released."""

    @abstractmethod
    def apply(self, codes: Tensor, form: Form, statistics: Statistics) -> Tensor:
        """What is released, differentiable."""


@dataclass(frozen=True)
class Coarsening(Stage):
    """A stage without useful derivatives, which keeps the form."""

    @abstractmethod
    def apply(self, codes: Tensor, statistics: Statistics) -> Tensor:
        """What is released."""

    @abstractmethod
    def known(self, bounds: Bounds, statistics: Statistics) -> Bounds:
        """Where the input lies, element by element, if what was released lies in `bounds`."""


@dataclass(frozen=True)
class Noise(Stage):
    """Independent noise for every element, drawn anew for every release."""

    rel_rms: float
    """Its standard deviation, relative to the root mean square of the codes that it is added to."""

    information: ClassVar[float]
    """The Fisher information of one element about its own value, times the variance."""

    def __post_init__(self) -> None:
        require(f"{self.name}:rel_rms", self.rel_rms, 1e-6, 1e6)

    def fit(self, codes: Tensor, form: Form, key: int) -> Statistics:  # noqa: ARG002 - nothing secret
        """The standard deviation."""
        squares = [code.double().square().mean() for code in codes]  # in float64 one at a time
        rms = torch.stack(squares).mean().sqrt().float()
        if not rms > 0:
            raise DefenceError(
                "All codes that the defence is fitted to are zero, so noise has no strength "
                "relative to them; choose another layer, or other pictures."
            )
        return {"deviation": self.rel_rms * rms}

    def release(self, code: Tensor, statistics: Statistics, counters: int) -> Tensor:
        """One code, without the axis of pictures, with the noise of these counters."""
        # Drawn on the CPU, so that every device releases the same.
        generator = torch.Generator().manual_seed(counters >> 1)
        drawn = self.draw(tuple(code.shape), generator).to(code.device)
        return code + statistics["deviation"].to(code.device) * drawn

    @abstractmethod
    def draw(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Noise of variance 1."""

    def lift(self, released: Tensor, form: Form, statistics: Statistics) -> Tensor:  # noqa: ARG002
        """As it is."""
        return released

    def longest(self, limit: float, statistics: Statistics) -> float:  # noqa: ARG002
        """Nothing is known of noise."""
        return float("inf")
