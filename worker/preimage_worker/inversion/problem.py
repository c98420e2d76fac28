"""A problem: one code Φ₀ whose pre-image is wanted, with everything that may differ per lane."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import final

import torch
from torch import Tensor

from preimage_worker.inversion.coordinates import COLOURS
from preimage_worker.inversion.errors import (
    NonFiniteTargetError,
    SettingError,
    ShapeMismatchError,
    ZeroTargetError,
)
from preimage_worker.inversion.objectives import Bounds
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.repulsion import Repulsion
from preimage_worker.inversion.settings import Loss, Settings, require
from preimage_worker.inversion.walk import Walk


@final
@dataclass(frozen=True)
class StopRule:
    """When a lane ends before its schedule does. The default runs the whole schedule."""

    target_error: float | None = None
    """End with `TARGET_REACHED` at the first multiple of ten steps where the relative error
    `‖m∘(Φ(x) − Φ₀)‖ / ‖m∘Φ₀‖` of the last step is at most this."""
    plateau: float | None = None
    """A segment of the schedule ends early when the mean objective of the last window is less than
    this fraction below that of the window before; the lane ends with `CONVERGED` when that happens
    in its last segment. 0.01 means one per cent a window."""
    plateau_window_steps: int = 50
    """The window of `plateau`, in steps."""

    def __post_init__(self) -> None:
        if self.target_error is not None:
            require("the target error", self.target_error, 0)
        if self.plateau is not None:
            require("the plateau's fraction", self.plateau, 0, 1)
        require("the plateau's window", self.plateau_window_steps, 1, 10_000_000)

    @property
    def asks(self) -> bool:
        """Whether the lane may end before its schedule does."""
        return self.target_error is not None or self.plateau is not None


@final
@dataclass(frozen=True, eq=False)
class Problem:
    """What one lane solves.

    Raises:
        NonFiniteTargetError: NaN or infinity in target, mask or start; NaN in the bounds.
        ZeroTargetError: the masked target is zero everywhere.
        ShapeMismatchError: the mask does not broadcast to the target, the bounds have another
            shape, or the start is not of the picture's size.
        SettingError: a picture size below 1, bounds that no number satisfies, or what the loss does
            not have.
    """

    target: Tensor
    """Φ₀, without a lane axis: the shape `representation.code_shape(height, width)`."""
    height: int
    """Of the picture, in pixels."""
    width: int
    """Of the picture, in pixels."""
    settings: Settings
    """From `presets.resolve`."""
    mask: Tensor | None = None
    """m ≥ 0: boolean or float, broadcast to the target; None weighs every element 1. A subset of
    the code, 1/√v for codes of variance v, or what brings several layers to one scale."""
    seed: int = 0
    """Any 64-bit integer. It and `restart` decide start and jitter; nothing else does."""
    restart: int = 0
    """Number of this pre-image among several of the same code."""
    stop: StopRule = field(default_factory=StopRule)
    walk: Walk | None = None
    """What ends a walk from strong priors to weak ones, for a schedule made for that; None for a
    schedule that runs to its end."""
    repulsion: Repulsion | None = None
    """What keeps this pre-image apart from those whose problems share it; None leaves it alone."""
    scale: float | None = None
    """Of Loss.INNER: what ⟨m∘Φ, m∘Φ₀⟩ is divided by; None for ‖m∘Φ₀‖²."""
    start: Tensor | None = None
    """Of Loss.INNER: the canvas to start from, `(channels, height, width)`; None for the settings'
    noise. The losses that measure how near a code can be reached never start near it."""
    bounds: Bounds | None = None
    """Of Loss.SQUARED: where Φ is known to lie, if Φ₀ is not known exactly. What lies within is
    right, and Φ₀ only says what is large: its norm is what errors are relative to."""

    def __post_init__(self) -> None:
        require("the picture's height", self.height, 1)
        require("the picture's width", self.width, 1)
        _check_finite("target", self.target)
        self._check_inner()
        if self.bounds is not None:
            self._check_bounds(self.bounds)
        if self.repulsion is not None and self.settings.family.descends:
            raise SettingError(
                "The preset auto measures every step by the one before, so nothing may push its "
                "lanes; use mv2016 for restarts that keep apart."
            )
        if self.mask is not None:
            _check_finite("mask", self.mask)
            _check_broadcast(self.mask, self.target)
        if not 0 < self.energy < float("inf"):
            raise ZeroTargetError(
                f"The squared norm of the masked target is {self.energy}, so no relative error "
                "exists; send a target, and a mask, that leave something finite to match."
            )

    @cached_property
    def energy(self) -> float:
        """‖m∘Φ₀‖², summed in double precision."""
        target = self.target.double()
        return float((target if self.mask is None else target * self.mask).square().sum())

    @property
    def divisor(self) -> float:
        """What the data term is divided by."""
        return self.energy if self.scale is None else self.scale

    @cached_property
    def fingerprint(self) -> int:
        """64 bits that tell this problem from others, for its checkpoints. Stopping is left out."""
        apart = self.repulsion and (self.repulsion.error_budget, self.repulsion.weight)
        facts = (self.settings, self.seed, self.restart, self.scale, self.walk, apart)
        digest = hashlib.sha256(repr(facts).encode())
        for tensor in (self.target, self.mask, self.start, *(self.bounds or ())):
            if tensor is not None:
                digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
        return int.from_bytes(digest.digest()[:8], "little", signed=True)

    def check(self, representation: Representation) -> None:
        """Raise unless the problem fits the representation.

        Raises:
            ShapeMismatchError: the target is not a code of it for this picture size, or the start
                has other channels.
            SettingError: decorrelated colours of pictures that have none.
        """
        channels = representation.channels
        if self.start is not None and len(self.start) != channels:
            raise ShapeMismatchError(
                f"The start has {len(self.start)} channels, but {representation.model} takes "
                f"pictures of {channels}."
            )
        if self.settings.coordinates.decorrelated and channels != COLOURS:
            raise SettingError(
                f"{representation.model} takes pictures of {channels} channels, whose colours "
                "cannot be decorrelated; leave that out."
            )
        expected = representation.code_shape(self.height, self.width)
        if tuple(self.target.shape) != expected:
            raise ShapeMismatchError(
                f"The target has the shape {tuple(self.target.shape)}, but layer "
                f"{representation.layer!r} of {representation.model} gives {expected} for pictures "
                f"of {self.height}×{self.width} pixels; send a code of that layer and size."
            )

    def _check_inner(self) -> None:
        """Scale, start and target error make sense."""
        inner = self.settings.loss is Loss.INNER
        if not inner and (self.scale is not None or self.start is not None):
            raise SettingError("Only activations have a scale and a start; leave them out.")
        if inner and self.stop.target_error is not None:
            raise SettingError(
                "An activation has no relative error, so there is no target error to reach; "
                "leave it out, or stop at a plateau."
            )
        if self.scale is not None:
            require("the scale of the activation", self.scale, 1e-30, 1e30)
        if self.start is not None:
            _check_finite("start", self.start)
            if self.start.ndim != 3 or self.start.shape[1:] != (self.height, self.width):  # noqa: PLR2004 - channels, rows, columns
                raise ShapeMismatchError(
                    f"The start has the shape {tuple(self.start.shape)}; send a canvas of "
                    f"{self.height}×{self.width} pixels."
                )

    def _check_bounds(self, bounds: Bounds) -> None:
        if self.settings.loss is not Loss.SQUARED:
            raise SettingError(
                f"Only the loss {Loss.SQUARED.value!r} has bounds, not "
                f"{self.settings.loss.value!r}; leave them out."
            )
        shapes = [tuple(bound.shape) for bound in bounds]
        if shapes != [tuple(self.target.shape)] * 2:
            raise ShapeMismatchError(
                f"The bounds have the shapes {shapes[0]} and {shapes[1]}; send two of the "
                f"target's, {tuple(self.target.shape)}."
            )
        if any(bool(bound.isnan().any()) for bound in bounds):
            raise NonFiniteTargetError(
                "The bounds hold NaN; send numbers, or infinity where a side is open."
            )
        crossed = int((bounds.low > bounds.high).sum())
        if crossed:
            raise SettingError(
                f"{crossed} elements have a lower bound above the upper one; exchange them."
            )


def _check_finite(name: str, tensor: Tensor) -> None:
    bad = tensor.numel() - int(torch.isfinite(tensor).sum())
    if bad:
        raise NonFiniteTargetError(
            f"{bad} of the {tensor.numel()} elements of the {name} are NaN or infinite; "
            "send finite numbers."
        )


def _check_broadcast(mask: Tensor, target: Tensor) -> None:
    axes = zip(reversed(mask.shape), reversed(target.shape), strict=False)
    if mask.ndim > target.ndim or any(mine not in {1, wanted} for mine, wanted in axes):
        raise ShapeMismatchError(
            f"The mask's shape {tuple(mask.shape)} does not broadcast to the target's "
            f"{tuple(target.shape)}; send one of the target's shape, or with axes of length 1."
        )
