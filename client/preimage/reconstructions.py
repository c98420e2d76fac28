"""One pre-image with all that was measured of it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, final

import numpy as np
from PIL import Image

from preimage.enums import Outcome, from_wire
from preimage.measures import (
    Activation,
    ClassAgreement,
    errors_from_wire,
    fidelity_from_wire,
    loss_curve_from_wire,
    strength_from_wire,
)
from preimage.v1 import preimage_pb2

if TYPE_CHECKING:
    from preimage.measures import CodeErrors, Fidelity, LossCurve, StrengthCurve

Pixels: TypeAlias = np.ndarray[Any, np.dtype[np.uint8]]
FloatPicture: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]


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
    errors: CodeErrors | None
    """Errors of its code; None for a maximisation or caricature."""
    activation: Activation | None
    """How strongly the layer answers; None for an inversion."""
    fidelity: Fidelity | None
    """Likeness to the picture that was sent; None when none was sent."""
    classes: ClassAgreement | None
    """What the model calls both pictures; None where it does not classify, or none was sent."""
    strength: StrengthCurve | None
    """How the strength of the priors was found; None unless `prior_weight` asked for it."""
    loss_curve: LossCurve
    """The objective by term at recorded steps."""
    steps: int
    """Optimisation steps done."""
    network_passes: int
    """Forward passes of the network, with or without a backward pass, measurements included."""

    @property
    def score(self) -> str:
        """The number that it was looked for by, in words: "relative error 6.000%"."""
        if self.errors is not None:
            return f"relative error {self.errors.relative_delivered:.3%}"
        return f"activation {self.activation.delivered:.3g}" if self.activation else "unmeasured"

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
        errors=errors_from_wire(message.errors) if message.HasField("errors") else None,
        activation=_activation(message.activation) if message.HasField("activation") else None,
        fidelity=fidelity_from_wire(message.fidelity) if message.HasField("fidelity") else None,
        classes=_classes(message.classes) if message.HasField("classes") else None,
        strength=strength_from_wire(message.strength) if message.HasField("strength") else None,
        loss_curve=loss_curve_from_wire(message.loss_curve),
        steps=message.steps,
        network_passes=message.network_passes,
    )


def _activation(message: preimage_pb2.Activation) -> Activation:
    return Activation(message.start, message.optimised, message.delivered, message.scale)


def _classes(message: preimage_pb2.ClassAgreement) -> ClassAgreement:
    return ClassAgreement(message.original, message.optimised, message.delivered)
