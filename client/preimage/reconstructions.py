"""One pre-image with all that was measured of it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, final

import numpy as np
from PIL import Image

from preimage.enums import Outcome, from_wire
from preimage.errors import BadInput, PreimageError
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

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg")
"""Formats of pictures that are documented: Pillow writes more, but not every picture in each."""


@final
@dataclass(frozen=True, eq=False)
class Reconstruction:
    """One pre-image."""

    restart: int
    """Which restart: 0, 1, …"""
    png: bytes | None
    """The delivered picture as a PNG file, exactly as it was measured; None where `channels` is
    neither 1 nor 3."""
    channels: int
    """Channels of the float picture; 0: the service kept none."""
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
        """The delivered picture: mode RGB, or L for representations of grey pictures.

        Raises:
            PreimageError: its channels are neither 1 nor 3; see the float picture.
        """
        picture = Image.open(io.BytesIO(self._delivered))
        picture.load()
        return picture

    @property
    def pixels(self) -> Pixels:
        """The delivered picture: uint8, (height, width, 3) or (height, width).

        Raises:
            PreimageError: its channels are neither 1 nor 3; see the float picture.
        """
        return np.array(self.picture, dtype=np.uint8)

    def save(self, path: str | Path) -> Path:
        """Writes the delivered picture; the suffix names the format: .png, .jpg or .jpeg.

        A `.png` file holds the bytes that were delivered. Other formats may lose some.

        Raises:
            BadInput: another suffix, no such folder, or a file that cannot be written.
            PreimageError: its channels are neither 1 nor 3; see the float picture.
        """
        path = _checked(Path(path))
        delivered = self._delivered
        try:
            if path.suffix.lower() == ".png":
                path.write_bytes(delivered)
            else:
                self.picture.save(path)
        except OSError as error:
            raise BadInput(f"{path} cannot be written: {error.strerror or error}.") from error
        return path

    @property
    def _delivered(self) -> bytes:
        if self.png is None:
            raise PreimageError(
                f"A pre-image of {self.channels} channels has no 8-bit picture, which has one or "
                "three: take its float_picture."
            )
        return self.png


def reconstruction_from_wire(
    message: preimage_pb2.Reconstruction, png: bytes | None
) -> Reconstruction:
    """Reads the wire's message; `png` is the file "<restart>/picture.png", where there is one."""
    return Reconstruction(
        restart=message.restart,
        png=png,
        channels=_channels(message),
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


def _checked(path: Path) -> Path:
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        raise BadInput(
            f"{str(path)!r} must end in .png, .jpg or .jpeg. The float picture is kept by "
            "numpy.save(path, float_picture)."
        )
    if not path.resolve().parent.is_dir():
        raise BadInput(f"There is no folder {path.resolve().parent}: make it first.")
    return path


def _channels(message: preimage_pb2.Reconstruction) -> int:
    name = f"{message.restart}/picture.f32"
    shapes = [each.shape for each in message.artifacts if each.name == name]
    return shapes[0][0] if shapes and shapes[0] else 0


def _activation(message: preimage_pb2.Activation) -> Activation:
    return Activation(message.start, message.optimised, message.delivered, message.scale)


def _classes(message: preimage_pb2.ClassAgreement) -> ClassAgreement:
    return ClassAgreement(message.original, message.optimised, message.delivered)
