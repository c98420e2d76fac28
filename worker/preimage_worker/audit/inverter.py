"""One inversion of an audit, and whoever carries out many of them.

An audit hands over whole sets of attempts at once, all pictures and prior weights of one budget, so
that they can share batches or be spread over machines. An attempt is a value with a name that is
the same whenever the audit is run again: what is known by its name need not be computed twice.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, final

from torch import Tensor

from preimage_worker.audit.plan import Levels
from preimage_worker.inversion.defences.fitted import Fitted
from preimage_worker.inversion.objectives import Bounds

BOUND = math.inf
"""Longest colour vector of a pixel, in every attempt, in place of the preset's own. Of 2016 that is
160 grey levels around the mean, which no black and no white pixel keeps to: an attacker with it
ends at 25 dB where without it the same steps reach 33, and would be taken for one at its plateau.
"""


@final
@dataclass(frozen=True, eq=False)
class Attempt:
    """A code to find a picture for."""

    name: str
    """Unique within the audit, such as "layer1/topk:fraction=0.1/A4/7/0.001/400/0"."""
    layer: str
    height: int
    """Of the picture, in pixels."""
    width: int
    """The same."""
    target: Tensor
    """Φ₀, without a lane axis, on the CPU; of D̃∘Φ where there is a defence."""
    bounds: Bounds | None
    """Where D̃∘Φ lies, if that is not known exactly."""
    defence: Fitted | None
    """What the attacker puts behind Φ; None for one who takes the code for one of Φ."""
    preset: str
    steps: int
    prior_factor: float
    """Multiplies the preset's prior weights."""
    restart: int
    """It and the seed decide the start."""
    seed: int
    """63 bits; the same for one picture in all attempts."""
    weights: Tensor | None = None
    """How much each element of the target counts; None where all count alike."""


@final
@dataclass(frozen=True, eq=False)
class Found:
    """What an attempt ended with, however it ended."""

    picture: Levels
    """`(height, width, channels)`, as delivered."""
    start_error: float
    """‖Φ − Φ₀‖ / ‖Φ₀‖ of the start, or the distance to the bounds over ‖Φ₀‖; NaN if unknown."""
    end_error: float
    """The same of the delivered picture, whose square is the data term; NaN if it diverged."""


class Inverter(Protocol):
    """Carries out attempts."""

    def invert(self, attempts: Sequence[Attempt]) -> Sequence[Found]:
        """What each attempt found, in their order."""
        ...
