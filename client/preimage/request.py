"""What to compute: a request names everything that a pre-image depends on.

    x* = argmin_x  C · ℓ(Φ(x), Φ₀)  +  factor · Σ_r λ_r R_r(x)

Settings that are left out (None) are the preset's. `Settings` are the keyword arguments of
`Client.invert` and its siblings; a `Request` holds the same as a value, for `submit_many`, and is
varied with `dataclasses.replace`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict, final

from preimage.parts import AutomaticStrength, Mask, Plateau, Repulsion

if TYPE_CHECKING:
    from preimage.sources import CodeSource, Source

Task: TypeAlias = Literal["invert", "maximise", "caricature"]
Loss: TypeAlias = Literal["squared", "cosine", "mahalanobis"]
AlphaForm: TypeAlias = Literal["per_channel", "isotropic"]
Parametrisation: TypeAlias = Literal["pixels", "dct", "fourier"]
Lane: TypeAlias = Literal["interactive", "batch"]
Cache: TypeAlias = Literal["use", "refresh", "bypass"]
Precision: TypeAlias = Literal["float32", "tf32", "bfloat16"]
Layers: TypeAlias = Mapping[str, float] | Sequence[str]
Masks: TypeAlias = Mask | Mapping[str, Mask]
PriorWeight: TypeAlias = float | Literal["auto"] | AutomaticStrength


class Settings(TypedDict, total=False):
    """Keyword arguments of `invert` and `submit`; each is described at `Request`."""

    layers: Layers | None
    loss: Loss
    variance: CodeSource | None
    activation_scale: float | None
    preset: str | None
    steps: int | None
    data_weight: float | None
    prior_weight: PriorWeight | None
    tv_weight: float | None
    tv_exponent: float | None
    alpha_weight: float | None
    alpha_exponent: float | None
    alpha_form: AlphaForm | None
    bound: float | None
    restarts: int
    repulsion: Repulsion | None
    seed: int
    target_error: float | None
    plateau: Plateau | None
    mask: Masks | None
    input_size: tuple[int, int] | None
    precision: Precision | None
    parametrisation: Parametrisation | None
    decorrelate_colour: bool | None
    rate_factor: float | None
    jitter: bool | None
    deadline_seconds: float | None
    lane: Lane
    cache: Cache
    preview_every_steps: int


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Request:
    """One inversion, maximisation or caricature."""

    source: Source
    """The picture whose code is inverted, or the code itself; of several layers a mapping from
    their names to codes. To be maximised: a `Unit`, or the code of a direction."""
    model: str
    """Name of a model, as `Client.models` lists them."""
    layer: str | None = None
    """Name of one of its layers, as `Client.model` lists them. None: see `layers`."""
    task: Task = "invert"
    """What is done: "invert", "maximise" or "caricature"."""
    layers: Layers | None = None
    """Several layers to match at once, in the place of `layer`: their names, or a mapping from
    names to weights > 0. The data term is the mean of the layers' own, by weight."""
    loss: Loss = "squared"
    """How an inversion compares codes: "squared" distance, "cosine" of the angle, or the squared
    distance divided by a `variance`, "mahalanobis"."""
    variance: CodeSource | None = None
    """For "mahalanobis": the variance of each element of the code, > 0, in the code's shape."""
    activation_scale: float | None = None
    """For a maximisation: the activation that counts as 1, > 0, in the layer's own units. None: as
    strong as the layer answers to noise like natural pictures."""
    preset: str | None = None
    """Named recipe: "auto", "mv2016", "mv2015", "lucid". None: the model's first for the task."""
    steps: int | None = None
    """Number of steps, at least 1; the schedule keeps its shape."""
    data_weight: float | None = None
    """The weight C of the data term, > 0."""
    prior_weight: PriorWeight | None = None
    """What all weights of the priors are multiplied by, ≥ 0. "auto", or an `AutomaticStrength`: the
    largest factor under which the code is still met. None: 1."""
    tv_weight: float | None = None
    """λ_V ≥ 0 of total variation, in the preset's units."""
    tv_exponent: float | None = None
    """β of total variation, 1 to 4."""
    alpha_weight: float | None = None
    """λ_α ≥ 0 of the α-norm, in the preset's units."""
    alpha_exponent: float | None = None
    """α of the α-norm, 1 to 12."""
    alpha_form: AlphaForm | None = None
    """Which magnitude the α-norm takes: of each channel, "per_channel" (2015), or of the colour
    vector of each pixel, "isotropic" (2016)."""
    bound: float | None = None
    """Longest colour vector of a pixel around the mean, in grey levels; 0: no bound."""
    restarts: int = 1
    """How many pre-images to find, each from its own start."""
    repulsion: Repulsion | None = None
    """Keeps the restarts apart. None: each runs by itself."""
    seed: int = 0
    """Seed of the start and of the jitter, 0 to 2⁶⁴ − 1."""
    target_error: float | None = None
    """Stop at this relative error ‖m∘(Φ(x) − Φ₀)‖ / ‖m∘Φ₀‖. None: never."""
    plateau: Plateau | None = None
    """Stop when the objective is flat. None: never."""
    mask: Masks | None = None
    """Which part of the code counts; of several layers a mapping from their names. None: all."""
    input_size: tuple[int, int] | None = None
    """(height, width) of the picture that is looked for, in pixels. None: that of the `Features`,
    else the model's own."""
    precision: Precision | None = None
    """Arithmetic of the network. None: float32."""
    parametrisation: Parametrisation | None = None
    """Coordinates that a first-order recipe takes its steps in: "pixels", "dct" (cosine) or
    "fourier" coefficients, each divided by its frequency."""
    decorrelate_colour: bool | None = None
    """Take steps in colours that are uncorrelated in natural pictures."""
    rate_factor: float | None = None
    """Multiplies every learning rate of the schedule."""
    jitter: bool | None = None
    """Feed a randomly shifted crop at every step."""
    deadline_seconds: float | None = None
    """How long to wait, from acceptance to the end. None: no limit."""
    lane: Lane = "interactive"
    """Which lane of the queue: "interactive", or "batch" for bulk work."""
    cache: Cache = "use"
    """What an equal job means, of the same caller and the same settings but for lane, deadline and
    previews. "use": its result, or a share in its run. "refresh": compute anew, and let later jobs
    have that. "bypass": compute, and keep the result for this job alone."""
    preview_every_steps: int = 0
    """Make a preview about every so many steps. 0: none."""
    request_id: str | None = None
    """Name of the request for safe repetition, 1 to 64 of A–Z a–z 0–9 . _ -. None: a UUID4."""
