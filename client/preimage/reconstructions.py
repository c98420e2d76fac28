"""One pre-image with all that was measured of it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, final

import numpy as np
from PIL import Image

from preimage.enums import Outcome, from_wire
from preimage.v1 import preimage_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable

Pixels: TypeAlias = np.ndarray[Any, np.dtype[np.uint8]]
FloatPicture: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]
Curve: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]


@final
@dataclass(frozen=True)
class CodeErrors:
    """How far the code of the pre-image is from Φ₀."""

    relative: float
    """‖m∘(Φ(x) − Φ₀)‖ / ‖m∘Φ₀‖ of the optimised float picture."""
    relative_delivered: float
    """The same of the delivered picture: clipped to 0…255, rounded to 8 bits, encoded again."""
    target_norm: float
    """‖m∘Φ₀‖, the denominator."""


@final
@dataclass(frozen=True)
class Fidelity:
    """Likeness of the delivered 8-bit picture to the caller's, resized to the same size."""

    psnr_db: float
    """Peak signal-to-noise ratio in dB, peak 255; 100 where the two are equal."""
    ssim: float | None
    """Structural similarity with Wang's Gaussian window, −1 to 1; None below 11 pixels."""


@final
@dataclass(frozen=True, eq=False)
class LossCurve:
    """The objective by term: arrays of one length."""

    steps: np.ndarray[Any, np.dtype[np.int32]]
    """Steps at which it was recorded."""
    objective: Curve
    """The whole objective."""
    data: Curve
    """C · ‖m∘(Φ(x) − Φ₀)‖² / ‖m∘Φ₀‖²."""
    alpha_norm: Curve
    """The weighted α-norm."""
    total_variation: Curve
    """The weighted total variation."""
    relative_error: Curve
    """Relative error."""


@final
@dataclass(frozen=True, eq=False)
class Reconstruction:
    """One pre-image."""

    restart: int
    """Which restart: 0, 1, …"""
    png: bytes
    """The delivered picture as a PNG file, exactly as it was measured."""
    outcome: Outcome
    """How it ended."""
    outcome_sentence: str
    """The same as a sentence."""
    errors: CodeErrors
    """Errors of its code."""
    fidelity: Fidelity | None
    """Likeness to the picture that was sent; None when a bare code was sent."""
    loss_curve: LossCurve
    """The objective by term at recorded steps."""
    steps: int
    """Optimisation steps done."""
    network_passes: int
    """Forward passes of the network, with or without a backward pass, measurements included."""

    @property
    def picture(self) -> Image.Image:
        """The delivered picture: mode RGB, or L for representations of grey pictures."""
        picture = Image.open(io.BytesIO(self.png))
        picture.load()
        return picture

    @property
    def pixels(self) -> Pixels:
        """The delivered picture: uint8, (height, width, 3) or (height, width)."""
        return np.array(self.picture, dtype=np.uint8)

    def save(self, path: str | Path) -> Path:
        """Writes the delivered picture; the suffix names the format.

        A `.png` file holds the bytes that were delivered. Other formats may lose some.
        """
        path = Path(path)
        if path.suffix.lower() == ".png":
            path.write_bytes(self.png)
        else:
            self.picture.save(path)
        return path


def reconstruction_from_wire(message: preimage_pb2.Reconstruction, png: bytes) -> Reconstruction:
    """Reads the wire's message; `png` is the file "<restart>/picture.png"."""
    return Reconstruction(
        restart=message.restart,
        png=png,
        outcome=from_wire(Outcome, preimage_pb2.Outcome.items(), "OUTCOME_", message.outcome),
        outcome_sentence=message.outcome_sentence,
        errors=CodeErrors(
            relative=message.errors.relative,
            relative_delivered=message.errors.relative_delivered,
            target_norm=message.errors.target_norm,
        ),
        fidelity=_fidelity(message.fidelity) if message.HasField("fidelity") else None,
        loss_curve=_loss_curve(message.loss_curve),
        steps=message.steps,
        network_passes=message.network_passes,
    )


def _fidelity(message: preimage_pb2.PictureFidelity) -> Fidelity:
    return Fidelity(message.psnr_db, message.ssim if message.HasField("ssim") else None)


def _loss_curve(message: preimage_pb2.LossCurve) -> LossCurve:
    def curve(values: Iterable[float]) -> Curve:
        return np.fromiter(values, np.float32)

    return LossCurve(
        steps=np.fromiter(message.steps, np.int32),
        objective=curve(message.objective),
        data=curve(message.data),
        alpha_norm=curve(message.alpha_norm),
        total_variation=curve(message.total_variation),
        relative_error=curve(message.relative_error),
    )
