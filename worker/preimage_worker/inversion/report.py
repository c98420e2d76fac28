"""What a boundary and a final measurement say about each lane, in plain Python numbers."""

from dataclasses import dataclass
from typing import NamedTuple, final

from preimage_worker.inversion.outcome import Outcome


@final
@dataclass(frozen=True)
class LaneReport:
    """One lane at a boundary. The terms are those of the last step, measured before its update.

    Of a method that descends, those of its best step.
    """

    step: int
    """Steps taken so far."""
    steps_total: int
    """Steps of the whole schedule."""
    network_passes: int
    """Passes through the network so far (a forward-backward pair counts once)."""
    objective: float
    """Sum of the three terms below."""
    data: float
    """C · ℓ, of Loss.SQUARED C · ‖m∘(Φ(x) − Φ₀)‖² / ‖m∘Φ₀‖²."""
    alpha_norm: float
    """The weighted α-norm."""
    total_variation: float
    """The weighted total variation."""
    relative_error: float
    """‖m∘(Φ(x) − Φ₀)‖ / ‖m∘Φ₀‖; of Loss.INNER the activation ⟨m∘Φ(x), m∘Φ₀⟩ / scale."""
    outcome: Outcome | None
    """None while the lane runs; a lane with an outcome must leave before the next `run`."""


@final
@dataclass(frozen=True)
class BoundaryReport:
    """All lanes of a batch after `run`, in the batch's order."""

    steps: int
    """Steps that this run took: at most what was asked for, fewer where a schedule ended."""
    lanes: tuple[LaneReport, ...]


class LayerError(NamedTuple):
    """Errors of one layer of several, ‖m∘(Φ(x) − Φ₀)‖ / ‖m∘Φ₀‖."""

    relative: float
    """Of the float picture."""
    delivered: float
    """Of the delivered picture."""


@final
@dataclass(frozen=True)
class Measurement:
    """What is true of the picture that is delivered."""

    relative_error: float
    """Of the float picture: ‖m∘(Φ(x) − Φ₀)‖ / ‖m∘Φ₀‖; of Loss.INNER the activation."""
    relative_error_delivered: float
    """Of the same picture clipped to 0..255, rounded to 8 bits and encoded again."""
    network_passes: int
    """All passes of the lane: one a step, and one forward pass each for the two errors above."""
    layers: tuple[LayerError, ...] = ()
    """Of each layer, where the codes are of several."""
