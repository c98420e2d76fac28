"""The numbers of one lane, resolved: what a preset and its overrides come to for one problem.

Everything here is in canvas units: grey levels 0..255 minus the representation's mean. Lanes with
different settings share a batch as long as `Settings.family` agrees.
"""

import math
from dataclasses import dataclass
from enum import Enum
from typing import final

from preimage_worker.inversion.errors import SettingError


@final
class Family(Enum):
    """Which optimiser, and how priors are summed; part of the batch key."""

    MOMENTUM = "momentum"
    """Gradient descent with momentum (2015).

    Priors are sums as if over 227 × 227 × 3 elements: for n of them, the sum times 154587 / n.
    """
    ADAGRAD = "adagrad"
    """Momentum over a decayed Adagrad step (2016). Priors are means over the canvas' pixels."""
    ADAM = "adam"
    """Adam (Kingma & Ba 2015). Priors are means over the canvas' pixels."""
    QUASI_NEWTON = "quasi_newton"
    """Limited-memory BFGS in cosine coefficients, see `optimisers.quasi_newton`. Priors are means
    over the canvas' pixels. It has no rate, no jitter and no other coordinates, and the best canvas
    that it measured is the one that counts."""

    @property
    def descends(self) -> bool:
        """Whether the best canvas so far is the lane's picture, instead of the last one."""
        return self is Family.QUASI_NEWTON


@final
class Loss(Enum):
    """What the data term ℓ measures; part of the batch key. The formulas are in `objectives`."""

    SQUARED = "squared"
    """The squared distance to the target, relative to the target's norm."""
    COSINE = "cosine"
    """1 − cosine of the angle to the target."""
    INNER = "inner"
    """Minus the inner product with the target: there is nothing to reach, only more of it."""


@final
class Basis(Enum):
    """The coordinates of a picture's plane, see `coordinates`."""

    PIXELS = "pixels"
    DCT = "dct"
    """Cosine coefficients, each divided by its frequency."""
    FOURIER = "fourier"
    """Fourier coefficients, each divided by its frequency."""


@final
@dataclass(frozen=True)
class Coordinates:
    """What the steps are taken in; part of the batch key. The default is plain pixels."""

    basis: Basis = Basis.PIXELS
    """Of the plane."""
    decorrelated: bool = False
    """Whether colours are those that are uncorrelated in natural pictures."""


@final
class Start(Enum):
    """The law that the first canvas is drawn from. None of them reads the target."""

    NORMAL = "normal"
    """Normal noise, rescaled so that its root mean square is `start_amplitude`, per picture."""
    UNIFORM = "uniform"
    """Uniform noise on (−1, 1), divided by its own 95th percentile, times `start_amplitude`."""
    NATURAL = "natural"
    """Normal noise with the spectrum of natural pictures, and their colours where it has three
    channels, rescaled so that its root mean square is `start_amplitude`, per picture."""


IN_PIXELS = Coordinates()
"""What every published inversion steps in."""


def require(name: str, value: float, low: float, high: float = math.inf) -> None:
    """Raise SettingError unless `low <= value <= high`; NaN is never inside."""
    if not low <= value <= high:
        raise SettingError(f"{name} is {value}; use a number from {low} to {high}.")


@final
@dataclass(frozen=True)
class PriorSetting:
    """One prior: `weight · Σ (|v| / scale)^exponent`, with `v` in grey levels.

    What Σ is, sum or mean, is the family's convention.
    """

    weight: float
    """λ; 0 switches the prior off."""
    exponent: float
    """α or β, from 1 to 16."""
    scale: float
    """Grey levels at which one element weighs 1."""
    isotropic: bool = False
    """Whether |v| is the length over all channels of a pixel, instead of each channel's own."""

    def __post_init__(self) -> None:
        require("a prior's weight", self.weight, 0, 1e30)
        require("a prior's exponent", self.exponent, 1, 16)
        require("a prior's scale", self.scale, 1e-6, 1e30)


@final
@dataclass(frozen=True)
class Segment:
    """A stretch of steps at one rate. The optimiser's buffers are zeroed where it begins."""

    steps: int
    """At least 1."""
    rate: float
    """The optimiser's step size, in the family's own unit."""
    jitter: bool = False
    """Whether every step feeds its own random crop of a larger canvas."""
    prior_factor: float = 1.0
    """What the weights of all priors are multiplied by."""

    def __post_init__(self) -> None:
        require("a segment's steps", self.steps, 1, 10_000_000)
        require("a segment's rate", self.rate, 0, 1e30)
        require("a segment's factor of the priors", self.prior_factor, 0, 1e30)


@final
@dataclass(frozen=True)
class Settings:
    """Every number that one lane needs beside its target."""

    family: Family
    """Lanes of one batch have the same."""
    data_weight: float
    """C, the weight of the data term."""
    alpha_norm: PriorSetting
    """Keeps grey levels in range."""
    total_variation: PriorSetting
    """Keeps the picture smooth: TV^β."""
    segments: tuple[Segment, ...]
    """The schedule, in order."""
    jitter_range: int
    """T: a jittered canvas is T − 1 pixels larger each way; 1 means that nothing moves."""
    start: Start
    """The law of the first canvas."""
    start_amplitude: float
    """Of the first canvas, in grey levels."""
    bound: float
    """Longest colour vector that a pixel may have, in grey levels; infinity where none is."""
    loss: Loss = Loss.SQUARED
    """ℓ; lanes of one batch have the same."""
    coordinates: Coordinates = IN_PIXELS
    """Of the steps; lanes of one batch have the same."""

    def __post_init__(self) -> None:
        require("the data weight", self.data_weight, 0, 1e30)
        require("the number of segments", len(self.segments), 1, 1000)
        require("the jitter range", self.jitter_range, 1, 4096)
        require("the start amplitude", self.start_amplitude, 0, 1e6)
        require("the bound", self.bound, 1e-6)
        jitters = [segment.jitter for segment in self.segments]
        if jitters != sorted(jitters, reverse=True):
            raise SettingError("A segment jitters after one that does not; put it before.")

    @property
    def priors(self) -> dict[str, PriorSetting]:
        """By their names in `priors.PRIORS`."""
        return {"alpha_norm": self.alpha_norm, "total_variation": self.total_variation}

    @property
    def steps(self) -> int:
        """Of the whole schedule."""
        return sum(segment.steps for segment in self.segments)
