"""The published recipes as frozen, named presets, and what they come to for one problem.

`resolve` turns a preset's name, a representation, a picture size and a job's overrides into
`Settings`. Every number below is from the papers or from the code that their authors released
(deep-goggle `invert_nn`, nnpreimage `get_defaults` and `nnpreimage`), in grey levels, unless a
docstring says that it is our own.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from preimage_worker.inversion.coordinates import COLOURS
from preimage_worker.inversion.errors import SettingError
from preimage_worker.inversion.jitter import jitter_range
from preimage_worker.inversion.layers import SHALLOW, data_weight_2016, total_variation_2015
from preimage_worker.inversion.optimisers.families import REFERENCE_ELEMENTS
from preimage_worker.inversion.overrides import Overrides, override
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.representations.network import WHITE
from preimage_worker.inversion.settings import (
    Basis,
    Coordinates,
    Family,
    Loss,
    PriorSetting,
    Segment,
    Settings,
    Start,
)
from preimage_worker.inversion.start import FAINT
from preimage_worker.inversion.traits import traits_of


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


def auto(representation: Representation, height: int, width: int) -> Settings:
    """Our own: the terms of mv2016, solved by `optimisers.quasi_newton` without jitter.

    Networks get no α-norm, and a bound that holds every colour: mv2016's leave out white and black,
    which are 199 to 243 grey levels from the mean, and change what else the picture shows. Codes of
    histograms say nothing of contrast, so there they stay.

    Shallow layers start from white noise, as mv2016 does, the first ones from stronger noise: the
    more a max pool's candidates differ, the better the minimum. Deep ones start from faint noise
    with the spectrum of natural pictures: what their code does not hold then stays grey and smooth.
    Histograms of directions say nothing of contrast, so that of the start stays: there it is
    stronger, and C is ten times mv2016's, so that the priors leave enough for 8 bits to hold.
    """
    settings = replace(
        mv2016(representation, height, width),
        family=Family.QUASI_NEWTON,
        segments=(Segment(200, 1.0),),
        jitter_range=1,
    )
    if representation.model in SHALLOW:
        return replace(
            settings,
            data_weight=10 * settings.data_weight,
            start=Start.NATURAL,
            start_amplitude=15.0,
        )
    settings = replace(
        settings,
        alpha_norm=replace(settings.alpha_norm, weight=0.0),
        bound=_farthest_colour(representation),
    )
    traits = traits_of(representation, height, width)
    if traits.finest:
        return replace(settings, start_amplitude=120.0)
    if traits.fine:
        return settings
    return replace(settings, start=Start.NATURAL, start_amplitude=FAINT)


def _farthest_colour(representation: Representation) -> float:
    """How far, in grey levels, the colour is that lies farthest from the mean."""
    farthest = (max(mean, WHITE - mean) for mean in representation.mean)
    return math.ceil(math.hypot(*farthest))


def mv2016_activation(representation: Representation, height: int, width: int) -> Settings:
    """Mahendran & Vedaldi, IJCV 2016, sections 5 and 6: mv2016's 300 jittered steps alone.

    C and the start are our own: noise like the paper's, but with the spectrum and the colours of
    natural pictures, and fainter, which leaves less of it where the unit does not look.
    """
    settings = mv2016(representation, height, width)
    return replace(
        settings,
        data_weight=1.0,
        segments=settings.segments[:1],
        start=Start.NATURAL,
        start_amplitude=15.0,
    )


def lucid(representation: Representation, height: int, width: int) -> Settings:
    """Olah et al. 2017, "Feature Visualization": Adam in Fourier coefficients of separate colours.

    512 steps, no priors, jitter as of mv2016. Left out are the released code's rotations, scales
    and second jitter, so that pictures show more fine structure than theirs. Its rate of 0.05
    before a sigmoid comes to about 4 grey levels here; a fifth of that is taken, since without
    those transforms more of it saturates the picture. The bound stands for the sigmoid.
    """
    settings = mv2016_activation(representation, height, width)
    colour = representation.channels == COLOURS
    return replace(
        settings,
        family=Family.ADAM,
        start_amplitude=5.0,
        alpha_norm=replace(settings.alpha_norm, weight=0.0),
        total_variation=replace(settings.total_variation, weight=0.0),
        segments=(Segment(512, 0.8, jitter=settings.segments[0].jitter),),
        coordinates=Coordinates(Basis.FOURIER, decorrelated=colour),
    )


Preset: TypeAlias = Callable[[Representation, int, int], Settings]
"""The settings for a representation of pictures of (height, width)."""

PRESETS: dict[str, Preset] = {
    "auto": auto,
    "mv2015": mv2015,
    "mv2016": mv2016,
}
"""Of the losses that measure an error, by name."""

ACTIVATION_PRESETS: dict[str, Preset] = {
    "mv2016": mv2016_activation,
    "lucid": lucid,
}
"""Of Loss.INNER, by name. The first one is the default."""

CARICATURE_WEIGHT = 10.0
"""C of caricatures, in which the picture itself has the activation 1. Our own: pictures keep what
they show, and are neither washed out (3) nor torn (100)."""


def table(loss: Loss) -> Mapping[str, Preset]:
    """The presets that are for a loss, by name."""
    return ACTIVATION_PRESETS if loss is Loss.INNER else PRESETS


def resolve(
    preset: str,
    representation: Representation,
    height: int,
    width: int,
    overrides: Overrides | None = None,
    *,
    loss: Loss = Loss.SQUARED,
) -> Settings:
    """The settings of `preset` for pictures of this size through this representation.

    Raises:
        SettingError: no such preset for this loss, or an override outside its range.
    """
    known = table(loss)
    if preset not in known:
        kind = "activations" if loss is Loss.INNER else "codes"
        raise SettingError(
            f"There is no preset {preset!r} for {kind}; use one of {', '.join(known)}."
        )
    settings = replace(known[preset](representation, height, width), loss=loss)
    return settings if overrides is None else override(settings, overrides)


def default(loss: Loss, announced: Sequence[str]) -> str:
    """The preset of a job that names none: the first announced one that knows the loss."""
    known = table(loss)
    return next((name for name in announced if name in known), next(iter(known)))
