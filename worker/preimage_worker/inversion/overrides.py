"""What a job may change about its preset, and the settings that this leads to."""

from dataclasses import dataclass, replace
from typing import TypeVar, final

from preimage_worker.inversion.errors import SettingError
from preimage_worker.inversion.settings import (
    Basis,
    Coordinates,
    Family,
    Segment,
    Settings,
    require,
)
from preimage_worker.inversion.walk import ladder

Value = TypeVar("Value")


@final
@dataclass(frozen=True)
class Overrides:
    """What a job may change about its preset; None keeps the preset's own number."""

    data_weight: float | None = None
    """C."""
    total_variation_weight: float | None = None
    """λ_TV: mv2015's λ_V; elsewhere a factor on the mean (1 as published in 2016)."""
    alpha_norm_weight: float | None = None
    """λ_α: mv2015's λ_α; elsewhere a factor on the mean (1 as published in 2016)."""
    beta: float | None = None
    """Exponent of the total variation."""
    alpha: float | None = None
    """Exponent of the α-norm."""
    isotropic: bool | None = None
    """Whether the α-norm takes a pixel's colour vector (2016) or each channel by itself (2015)."""
    prior_factor: float = 1.0
    """Multiplies the weights of all priors."""
    bound: float | None = None
    """Longest colour vector of a pixel, in grey levels; infinity for none."""
    basis: Basis | None = None
    """Of the coordinates that steps are taken in."""
    decorrelated: bool | None = None
    """Whether steps are taken in uncorrelated colours."""
    rate_factor: float = 1.0
    """Multiplies every rate of the schedule."""
    jitter: bool | None = None
    """False keeps the crop still; True jitters where the preset would not (mv2016 of HOG).

    mv2015 has no jitter, and asking for it is a mistake.
    """
    steps: int | None = None
    """Steps of the whole schedule; its segments keep their proportions, see `scale_schedule`."""
    walks: bool = False
    """Whether the schedule begins with strong priors and goes on to weak ones; see `walk`."""


def override(settings: Settings, overrides: Overrides) -> Settings:
    """The settings with a job's own numbers in place of the preset's.

    Raises:
        SettingError: a number outside its range, or jitter, rates or coordinates where the family
            has none.
    """
    norm, variation = settings.alpha_norm, settings.total_variation
    factor, at = overrides.prior_factor, settings.coordinates
    if settings.family is Family.QUASI_NEWTON:
        _refuse_first_order(overrides)
    require("the factor of the priors", factor, 0, 1e30)
    return replace(
        settings,
        data_weight=_or(overrides.data_weight, settings.data_weight),
        alpha_norm=replace(
            norm,
            weight=factor * _or(overrides.alpha_norm_weight, norm.weight),
            exponent=_or(overrides.alpha, norm.exponent),
            isotropic=_or(overrides.isotropic, norm.isotropic),
        ),
        total_variation=replace(
            variation,
            weight=factor * _or(overrides.total_variation_weight, variation.weight),
            exponent=_or(overrides.beta, variation.exponent),
        ),
        bound=_or(overrides.bound, settings.bound),
        segments=_segments(settings, overrides),
        coordinates=Coordinates(
            _or(overrides.basis, at.basis), _or(overrides.decorrelated, at.decorrelated)
        ),
    )


def _refuse_first_order(overrides: Overrides) -> None:
    """Raise for what only recipes of the first order have: the solver chooses all of it itself."""
    given = {
        "jitter": overrides.jitter is True,
        "rate": overrides.rate_factor != 1,
        "choice of coordinates": overrides.basis not in {None, Basis.PIXELS},
        "choice of colours": overrides.decorrelated is True,
    }
    for name in (name for name, wanted in given.items() if wanted):
        raise SettingError(f"The preset auto has no {name}; leave it out, or use mv2016.")


def _or(value: Value | None, default: Value) -> Value:
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
    segments = tuple(replace(s, rate=s.rate * overrides.rate_factor) for s in segments)
    if not overrides.walks:
        return segments
    if not settings.family.descends:
        raise SettingError(
            "Only the preset auto finds the strength of the priors by itself; use it, or give a "
            "factor."
        )
    return ladder(segments[0])


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
