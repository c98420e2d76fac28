"""What `Job.watch` yields, in the order in which it happened; `Finished` is always the last."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, final

from PIL import Image

if TYPE_CHECKING:
    from preimage.enums import State
    from preimage.jobinfo import JobInfo


@final
@dataclass(frozen=True)
class StateChanged:
    """The job entered a state."""

    state: State
    """The new state."""


@final
@dataclass(frozen=True)
class Progress:
    """How far a running job is. With restarts: of the one with the lowest objective."""

    step: int
    """Optimisation steps done."""
    total_steps: int
    """Steps of the schedule."""
    objective: float
    """Value of the objective."""
    relative_error: float
    """Relative error ‖m∘(Φ(x) − Φ₀)‖ / ‖m∘Φ₀‖; 0 for a maximisation or caricature."""
    activation: float | None = None
    """Activation of a maximisation or caricature; None for an inversion."""

    @property
    def fraction(self) -> float:
        """Share of the schedule that is done, 0 to 1."""
        return self.step / self.total_steps if self.total_steps > 0 else 0.0


@final
@dataclass(frozen=True)
class Preview:
    """A look at a running job."""

    restart: int
    """Which restart."""
    step: int
    """At which step."""
    png: bytes
    """The picture as a PNG file."""

    @property
    def picture(self) -> Image.Image:
        """The picture."""
        return Image.open(io.BytesIO(self.png))


@final
@dataclass(frozen=True)
class Finished:
    """The job is terminal."""

    job: JobInfo
    """The job as it will stay; `Job.result` fetches its pictures."""


Event: TypeAlias = StateChanged | Progress | Preview | Finished
