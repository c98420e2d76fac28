"""The published recipes as frozen, named presets, and what they come to for one problem.

`resolve` turns a preset, a representation, a picture size and a job's overrides into `Settings`.
"""

from dataclasses import dataclass
from typing import final

from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.settings import Settings


@final
@dataclass(frozen=True)
class Overrides:
    """What a job may change about its preset; None keeps the preset's own number."""

    data_weight: float | None = None
    """C."""
    total_variation_weight: float | None = None
    """λ_TV: mv2015's λ_V; in mv2016 a factor on the mean (1 as published)."""
    alpha_norm_weight: float | None = None
    """λ_α: mv2015's λ_α; in mv2016 a factor on the mean (1 as published)."""
    beta: float | None = None
    """Exponent of the total variation."""
    alpha: float | None = None
    """Exponent of the α-norm."""
    rate_factor: float = 1.0
    """Multiplies every rate of the schedule."""
    jitter: bool | None = None
    """False keeps the crop still; True jitters where the preset has jitter at all."""
    steps: int | None = None
    """Steps of the whole schedule; its segments keep their proportions."""


PRESETS: tuple[str, ...] = ("mv2015", "mv2016")


def resolve(
    preset: str,
    representation: Representation,
    height: int,
    width: int,
    overrides: Overrides | None = None,
) -> Settings:
    """The settings of `preset` for pictures of this size through this representation.

    Raises:
        SettingError: no such preset, or an override outside its range.
    """
    raise NotImplementedError
