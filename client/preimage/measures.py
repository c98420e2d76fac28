"""What was measured of a pre-image: errors, likeness, classes, activation, curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from preimage.v1 import preimage_pb2

Curve: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]


@final
@dataclass(frozen=True)
class ReferenceErrors:
    """An error compared with how far the codes of unrelated natural pictures are apart."""

    paper_2015: float
    """‖Φ(x) − Φ₀‖ / N, N the mean distance between codes: Mahendran & Vedaldi 2015, section 5."""
    released_2015: float
    """‖Φ(x) − Φ₀‖² / N², N² the mean squared distance: the code released with that paper."""
    percentile: float
    """Share of pairs of different pictures whose codes are closer than these two, 0 to 1."""
    pictures: int
    """Pictures of the reference set."""
    digest: str
    """Digest of the set, model and layer."""


@final
@dataclass(frozen=True)
class LayerErrors:
    """Errors of one layer of several."""

    layer: str
    """The layer."""
    relative: float
    """‖m∘(Φ(x) − Φ₀)‖ / ‖m∘Φ₀‖ of the optimised float picture."""
    relative_delivered: float
    """The same of the delivered picture."""
    target_norm: float
    """‖m∘Φ₀‖, the denominator."""


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
    reference: ReferenceErrors | None = None
    """Of the optimised picture, against a reference set; None where the service has none."""
    reference_delivered: ReferenceErrors | None = None
    """The same of the delivered picture."""
    layers: tuple[LayerErrors, ...] = ()
    """Each layer's own, in their order; empty with one layer."""


@final
@dataclass(frozen=True)
class Activation:
    """How strongly a layer answers: the number that maximisation and caricature raise."""

    start: float
    """Of the starting picture."""
    optimised: float
    """Of the optimised float picture."""
    delivered: float
    """Of the delivered picture: clipped to 0…255, rounded to 8 bits, encoded again."""
    scale: float
    """What 1 stands for, in the layer's own units. Of a caricature: the picture that was sent."""


@final
@dataclass(frozen=True)
class Fidelity:
    """Likeness of the delivered 8-bit picture to the caller's, resized to the same size."""

    psnr_db: float
    """Peak signal-to-noise ratio in dB, peak 255; 100 where the two are equal."""
    ssim: float | None
    """Structural similarity with Wang's Gaussian window, −1 to 1; None below 11 pixels."""


@final
@dataclass(frozen=True)
class ClassAgreement:
    """The model's first choice for three pictures: the index of its highest score."""

    original: int
    """Of the picture that was sent."""
    optimised: int
    """Of the optimised float picture."""
    delivered: int
    """Of the delivered 8-bit picture."""

    @property
    def agree(self) -> bool:
        """Whether the delivered picture is called what the picture that was sent is."""
        return self.original == self.delivered


@final
@dataclass(frozen=True)
class StrengthCurve:
    """How the error grows with the strength of the priors: the walk of `prior_weight="auto"`."""

    noise_floor: float
    """Relative change of the code when the picture is rounded to 8 bits."""
    allowed_error: float
    """The relative error that was allowed."""
    factors: tuple[float, ...]
    """The factors that were tried, in order."""
    relative_errors: tuple[float, ...]
    """The relative error that each of them led to."""
    chosen: int
    """Index of the one that was taken."""
    within: bool
    """Whether its error is within `allowed_error`; False where no strength was weak enough."""

    @property
    def factor(self) -> float:
        """The factor that was taken."""
        return self.factors[self.chosen]


@final
@dataclass(frozen=True, eq=False)
class LossCurve:
    """The objective by term: arrays of one length, or empty."""

    steps: np.ndarray[Any, np.dtype[np.int32]]
    """Steps at which it was recorded."""
    objective: Curve
    """The whole objective."""
    data: Curve
    """The data term C · ℓ(Φ(x), Φ₀)."""
    alpha_norm: Curve
    """The weighted α-norm."""
    total_variation: Curve
    """The weighted total variation."""
    relative_error: Curve
    """Relative error; empty for a maximisation or caricature."""
    activation: Curve
    """Activation; empty for an inversion."""


def errors_from_wire(message: preimage_pb2.CodeErrors) -> CodeErrors:
    """Reads the wire's message."""
    delivered = message.HasField("reference_delivered")
    return CodeErrors(
        relative=message.relative,
        relative_delivered=message.relative_delivered,
        target_norm=message.target_norm,
        reference=_reference(message.reference) if message.HasField("reference") else None,
        reference_delivered=_reference(message.reference_delivered) if delivered else None,
        layers=tuple(
            LayerErrors(each.layer, each.relative, each.relative_delivered, each.target_norm)
            for each in message.layers
        ),
    )


def fidelity_from_wire(message: preimage_pb2.PictureFidelity) -> Fidelity:
    """Reads the wire's message."""
    return Fidelity(message.psnr_db, message.ssim if message.HasField("ssim") else None)


def strength_from_wire(message: preimage_pb2.StrengthCurve) -> StrengthCurve:
    """Reads the wire's message."""
    return StrengthCurve(
        noise_floor=message.noise_floor,
        allowed_error=message.allowed_error,
        factors=tuple(message.factors),
        relative_errors=tuple(message.relative_errors),
        chosen=message.chosen,
        within=message.within,
    )


def loss_curve_from_wire(message: preimage_pb2.LossCurve) -> LossCurve:
    """Reads the wire's message."""

    def curve(values: Iterable[float]) -> Curve:
        return np.fromiter(values, np.float32)

    return LossCurve(
        steps=np.fromiter(message.steps, np.int32),
        objective=curve(message.objective),
        data=curve(message.data),
        alpha_norm=curve(message.alpha_norm),
        total_variation=curve(message.total_variation),
        relative_error=curve(message.relative_error),
        activation=curve(message.activation),
    )


def _reference(message: preimage_pb2.ReferenceErrors) -> ReferenceErrors:
    return ReferenceErrors(
        paper_2015=message.paper_2015,
        released_2015=message.released_2015,
        percentile=message.percentile,
        pictures=message.pictures,
        digest=message.digest,
    )
