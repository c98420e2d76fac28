"""What to compute: a request names everything that a pre-image depends on.

    x* = argmin_x  C · ‖m∘(Φ(x) − Φ₀)‖² / ‖m∘Φ₀‖²  +  Σ_r λ_r R_r(x)

Settings that are left out (None) are the preset's. `Settings` are the keyword arguments of
`Client.invert` and `Client.submit`; a `Request` holds the same as a value, for `submit_many`, and
is varied with `dataclasses.replace`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, TypedDict, final

if TYPE_CHECKING:
    from preimage.sources import Source

Lane: TypeAlias = Literal["interactive", "batch"]
Precision: TypeAlias = Literal["float32", "tf32", "bfloat16"]


class Size(NamedTuple):
    """The extent of a picture, in pixels."""

    height: int
    """Rows."""
    width: int
    """Columns."""


class Box(NamedTuple):
    """Positions of a spatial code (channels, height, width), in its own cells."""

    top: int
    """First row."""
    left: int
    """First column."""
    height: int
    """Number of rows, at least 1."""
    width: int
    """Number of columns, at least 1."""


@final
@dataclass(frozen=True)
class Mask:
    """Which part m of a code counts: kinds are intersected, parts of one kind united."""

    channels: tuple[tuple[int, int], ...] = ()
    """Ranges (begin, one past the end) of the first axis of (channels, height, width), of the last
    axis of (tokens, channels) and of (channels)."""
    boxes: tuple[Box, ...] = ()
    """Boxes of (channels, height, width)."""
    tokens: tuple[tuple[int, int], ...] = ()
    """Ranges (begin, one past the end) of the first axis of (tokens, channels)."""


@final
@dataclass(frozen=True)
class Plateau:
    """Stop when the objective falls too slowly."""

    minimum_decrease: float = 1e-3
    """Relative decrease below which a window counts as flat, > 0."""
    window_steps: int = 50
    """Length of the window."""


class Settings(TypedDict, total=False):
    """Keyword arguments of `invert` and `submit`; each is described at `Request`."""

    preset: str | None
    steps: int | None
    data_weight: float | None
    tv_weight: float | None
    tv_exponent: float | None
    alpha_weight: float | None
    alpha_exponent: float | None
    restarts: int
    seed: int
    target_error: float | None
    plateau: Plateau | None
    mask: Mask | None
    input_size: tuple[int, int] | None
    precision: Precision | None
    rate_factor: float | None
    jitter: bool | None
    deadline_seconds: float | None
    lane: Lane
    preview_every_steps: int


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Request:
    """One inversion."""

    source: Source
    """The picture whose code is inverted, or the code itself."""
    model: str
    """Name of a model, as `Client.models` lists them."""
    layer: str
    """Name of one of its layers, as `Client.model` lists them."""
    preset: str | None = None
    """Named recipe: "mv2015", "mv2016". None: the model's default."""
    steps: int | None = None
    """Number of steps, at least 1; the schedule keeps its shape."""
    data_weight: float | None = None
    """The weight C of the data term, > 0."""
    tv_weight: float | None = None
    """λ_V ≥ 0 of total variation, in the preset's units."""
    tv_exponent: float | None = None
    """β of total variation, 1 to 4."""
    alpha_weight: float | None = None
    """λ_α ≥ 0 of the α-norm, in the preset's units."""
    alpha_exponent: float | None = None
    """α of the α-norm, 1 to 12."""
    restarts: int = 1
    """How many pre-images to find, each from its own start."""
    seed: int = 0
    """Seed of the start and of the jitter, 0 to 2⁶⁴ − 1."""
    target_error: float | None = None
    """Stop at this relative error ‖m∘(Φ(x) − Φ₀)‖ / ‖m∘Φ₀‖. None: never."""
    plateau: Plateau | None = None
    """Stop when the objective is flat. None: never."""
    mask: Mask | None = None
    """Which part of the code counts. None: all of it."""
    input_size: tuple[int, int] | None = None
    """(height, width) of the picture that is looked for, in pixels. None: that of the `Features`,
    else the model's own."""
    precision: Precision | None = None
    """Arithmetic of the network. None: float32."""
    rate_factor: float | None = None
    """Multiplies every learning rate of the schedule."""
    jitter: bool | None = None
    """Feed a randomly shifted crop at every step."""
    deadline_seconds: float | None = None
    """How long to wait, from acceptance to the end. None: no limit."""
    lane: Lane = "interactive"
    """Which lane of the queue: "interactive", or "batch" for bulk work."""
    preview_every_steps: int = 0
    """Make a preview about every so many steps. 0: none."""
    request_id: str | None = None
    """Name of the request for safe repetition, 1 to 64 of A–Z a–z 0–9 . _ -. None: a UUID4."""
