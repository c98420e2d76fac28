"""What was measured, in words: for notebooks and for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from preimage.diversity import Diversity
    from preimage.measures import (
        Activation,
        ClassAgreement,
        CodeErrors,
        Fidelity,
        ReferenceErrors,
        StrengthCurve,
    )
    from preimage.reconstructions import Reconstruction


def findings(reconstruction: Reconstruction) -> Iterator[tuple[str, str]]:
    """Yields what was measured of a pre-image, as a heading and its words; only what there is."""
    if reconstruction.png is None:
        yield (
            "pictures",
            f"of {reconstruction.channels} channels have no PNG: the float picture holds them",
        )
    if reconstruction.errors is not None:
        yield from _errors(reconstruction.errors)
    if reconstruction.activation is not None:
        yield "activation", _activation(reconstruction.activation)
    if reconstruction.fidelity is not None:
        yield "likeness", _likeness(reconstruction.fidelity)
    if reconstruction.classes is not None:
        yield "classes", _classes(reconstruction.classes)
    if reconstruction.strength is not None:
        yield "priors", _strength(reconstruction.strength)


def spread_in_words(diversity: Diversity) -> str:
    """Says how different restarts are."""
    mean = diversity.mean_code_distance
    codes = "" if mean is None else f", their codes by {mean:.2%}"
    return f"{diversity.mean_picture_distance:.1f} grey levels{codes}"


def _errors(errors: CodeErrors) -> Iterator[tuple[str, str]]:
    before = f"({errors.relative:.2%} before rounding to 8 bits)"
    yield "relative error", f"{errors.relative_delivered:.2%} {before}"
    for each in errors.layers:
        yield f"of {each.layer}", f"{each.relative_delivered:.2%}"
    if errors.reference_delivered is not None:
        yield "against unrelated pictures", _reference(errors.reference_delivered)


def _reference(errors: ReferenceErrors) -> str:
    return (
        f"{errors.paper_2015:.2%} as the 2015 paper prints it, {errors.released_2015:.2%} as its "
        f"code computes it; {errors.percentile:.1%} of pairs of {errors.pictures} are closer"
    )


def _activation(activation: Activation) -> str:
    return (
        f"{activation.delivered:.3g} ({activation.optimised:.3g} before rounding to 8 bits, "
        f"{activation.start:.3g} at the start)"
    )


def _likeness(fidelity: Fidelity) -> str:
    ssim = "" if fidelity.ssim is None else f", SSIM {fidelity.ssim:.3f}"
    return f"PSNR {fidelity.psnr_db:.1f} dB{ssim}"


def _classes(classes: ClassAgreement) -> str:
    if classes.agree:
        return f"{classes.original} for the picture and for the pre-image"
    return f"{classes.original} for the picture, {classes.delivered} for the pre-image"


def _strength(curve: StrengthCurve) -> str:
    reach = "" if curve.within else "; none was enough, which more steps may change"
    return (
        f"multiplied by {curve.factor:.3g}, the best of {len(curve.factors)} for an error of "
        f"{curve.allowed_error:.2%}{reach}"
    )
