"""Values that a request is made of: sizes, masks, units, rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias, final

ChannelHalf: TypeAlias = Literal["first", "second"]


class Size(NamedTuple):
    """The extent of a picture, in pixels."""

    height: int
    """Rows."""
    width: int
    """Columns."""


class Box(NamedTuple):
    """Positions of a code that has rows and columns, in its own cells."""

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
    """Ranges (begin, one past the end) of channels: the first axis of (channels, height, width),
    the last axis of (tokens, channels), of (height, width, channels) and of (channels)."""
    boxes: tuple[Box, ...] = ()
    """Boxes of a code with rows and columns."""
    tokens: tuple[tuple[int, int], ...] = ()
    """Ranges (begin, one past the end) of the first axis of (tokens, channels)."""
    centre: int | None = None
    """The central k × k positions, k ≥ 1: one more box. None: no such box."""
    channel_half: ChannelHalf | None = None
    """One half of the channels, "first" or "second": one more range of channels. None: both."""


@final
@dataclass(frozen=True)
class Unit:
    """What `Client.maximise` raises: a channel of a layer, at one position or the mean of all."""

    channel: int
    """Channel, from 0."""
    row: int | None = None
    """Row of a code with positions. None, together with `column`: all positions."""
    column: int | None = None
    """Column of a code with positions."""
    token: int | None = None
    """Token of a code (tokens, channels). None: all tokens."""


@final
@dataclass(frozen=True)
class Plateau:
    """Stop when the objective falls too slowly."""

    minimum_decrease: float = 1e-3
    """Relative decrease below which a window counts as flat, > 0."""
    window_steps: int = 50
    """Length of the window."""


@final
@dataclass(frozen=True)
class AutomaticStrength:
    """Finds the strongest priors under which the code is still met.

    The error that is allowed is `noise_multiple` times the noise floor of the layer, the change of
    the code when the picture is rounded to 8 bits, plus `least_error`.
    """

    noise_multiple: float = 2.0
    """Multiple of the noise floor, > 0."""
    least_error: float = 0.02
    """Relative error that is added to it, > 0."""


@final
@dataclass(frozen=True)
class Repulsion:
    """Pushes the restarts of one job apart, to show what the code leaves open."""

    error_budget: float
    """The relative error that a restart may have for the sake of being different, > 0."""
    weight: float = 1.0
    """Weight of the term, > 0."""
