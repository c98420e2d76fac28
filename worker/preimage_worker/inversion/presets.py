"""The published recipes as frozen, named presets, and what they come to for one problem.

`resolve` turns a preset's name, a representation, a picture size and a job's overrides into
`Settings`. Every number below is from the papers or from the code that their authors released
(deep-goggle `invert_nn`, nnpreimage `get_defaults` and `nnpreimage`), in grey levels.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import final

from preimage_worker.inversion.errors import SettingError
from preimage_worker.inversion.jitter import jitter_range
from preimage_worker.inversion.layers import SHALLOW, data_weight_2016, total_variation_2015
from preimage_worker.inversion.optimisers.families import REFERENCE_ELEMENTS
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.settings import (
    Family,
    PriorSetting,
    Segment,
    Settings,
    Start,
    require,
)


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
    """False keeps the crop still; True jitters where the preset would not (mv2016 of HOG).

    mv2015 has no jitter, and asking for it is a mistake.
    """
    steps: int | None = None
    """Steps of the whole schedule; its segments keep their proportions, see `scale_schedule`."""


def mv2015(representation: Representation, height: int, width: int) -> Settings:
    """Mahendran & Vedaldi, CVPR 2015, as in the released invert_nn.

    `‖Φ(σx) − Φ₀‖² / ‖Φ₀‖² + λ_α Σ x⁶ + λ_V TV²(x)` by gradient descent with momentum in x. On the
    canvas z = σx a step in x of rate r is one of r·σ². σ = 27098.1157 is the norm of natural
    pictures of 227 × 227 × 3; other sizes have the σ of the same root mean square, 68.92 grey
    levels, and their elements the weights that they have there. So the priors pull each element as
    the released code does, whose `½ l_TV TV(z) + ½ 8e-10 Σ z⁶` knows no size, and the schedule is
    as stable for small pictures as for large ones.
    """
    sigma = 27098.1157
    rms = sigma / math.sqrt(REFERENCE_ELEMENTS)
    squared = rms**2 * representation.channels * height * width
    stride = representation.stride(height, width)
    smoothness = total_variation_2015(representation.model, representation.layer, stride)
    shallow = representation.model in SHALLOW
    fractions = (
        ((200, 1.0), (200, 0.1), (200, 0.01), (200, 0.001))
        if shallow
        else ((100, 1.0), (200, 0.1), (100, 0.01))
    )
    return Settings(
        family=Family.MOMENTUM,
        data_weight=1.0,
        alpha_norm=PriorSetting(weight=2.16e8, exponent=6.0, scale=sigma),
        total_variation=PriorSetting(weight=smoothness, exponent=2.0, scale=sigma),
        segments=tuple(Segment(steps, 0.004 * part * squared) for steps, part in fractions),
        jitter_range=1,
        start=Start.NORMAL,
        start_amplitude=rms,
        bound=math.inf,
    )


def mv2016(representation: Representation, height: int, width: int) -> Settings:
    """Mahendran & Vedaldi, IJCV 2016, as in the released nnpreimage.

    `C ‖Φ(x) − Φ₀‖² / ‖Φ₀‖² + mean (|rgb|/B)⁶ + mean Σ_c (|∇|·6.5/B)²` with B = 80: 300 jittered
    steps, then 50 at a tenth of the rate without jitter, from fresh buffers, on the crop alone.
    The rate is H·W·53.33 = H·W·0.05·B²/6; pixels are no longer than 2B.
    """
    bound = 80.0
    rate = height * width * 0.05 * bound**2 / 6
    jitters = representation.model not in SHALLOW
    stride = representation.stride(height, width)
    return Settings(
        family=Family.ADAGRAD,
        data_weight=data_weight_2016(representation.model, representation.layer),
        alpha_norm=PriorSetting(weight=1.0, exponent=6.0, scale=bound, isotropic=True),
        total_variation=PriorSetting(weight=1.0, exponent=2.0, scale=bound / 6.5),
        segments=(Segment(300, rate, jitter=jitters), Segment(50, 0.1 * rate)),
        jitter_range=jitter_range(stride),
        start=Start.UNIFORM,
        start_amplitude=bound / math.sqrt(3),
        bound=2 * bound,
    )


PRESETS: dict[str, Callable[[Representation, int, int], Settings]] = {
    "mv2015": mv2015,
    "mv2016": mv2016,
}
"""By name."""


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
    if preset not in PRESETS:
        raise SettingError(f"There is no preset {preset!r}; use one of {', '.join(PRESETS)}.")
    settings = PRESETS[preset](representation, height, width)
    return settings if overrides is None else override(settings, overrides)


def override(settings: Settings, overrides: Overrides) -> Settings:
    """The settings with a job's own numbers in place of the preset's.

    Raises:
        SettingError: a number outside its range, or jitter where the family has none.
    """
    return replace(
        settings,
        data_weight=_or(overrides.data_weight, settings.data_weight),
        alpha_norm=replace(
            settings.alpha_norm,
            weight=_or(overrides.alpha_norm_weight, settings.alpha_norm.weight),
            exponent=_or(overrides.alpha, settings.alpha_norm.exponent),
        ),
        total_variation=replace(
            settings.total_variation,
            weight=_or(overrides.total_variation_weight, settings.total_variation.weight),
            exponent=_or(overrides.beta, settings.total_variation.exponent),
        ),
        segments=_segments(settings, overrides),
    )


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _segments(settings: Settings, overrides: Overrides) -> tuple[Segment, ...]:
    """The schedule with its rates, jitter and length overridden."""
    require("the rate factor", overrides.rate_factor, 0, 1e6)
    segments = settings.segments
    if overrides.jitter is not None:
        if overrides.jitter and settings.family is Family.MOMENTUM:
            raise SettingError("This preset has no jitter; leave it out, or use mv2016.")
        # The last segment is where the picture settles: it never jitters.
        still = segments[-1:] if len(segments) > 1 else ()
        moving = segments[: len(segments) - len(still)]
        segments = (*(replace(s, jitter=overrides.jitter) for s in moving), *still)
    if overrides.steps is not None:
        segments = scale_schedule(segments, overrides.steps)
    return tuple(replace(s, rate=s.rate * overrides.rate_factor) for s in segments)


def scale_schedule(segments: tuple[Segment, ...], steps: int) -> tuple[Segment, ...]:
    """The schedule stretched to `steps` in all.

    Each segment ends at its share of the way, rounded; one that is left without steps is dropped.

    Raises:
        SettingError: less than one step.
    """
    require("the number of steps", steps, 1, 10_000_000)
    total, done, end, scaled = sum(segment.steps for segment in segments), 0, 0, []
    for segment in segments:
        begin, done = end, done + segment.steps
        end = (2 * done * steps + total) // (2 * total)
        if end > begin:
            scaled.append(replace(segment, steps=end - begin))
    return tuple(scaled)
