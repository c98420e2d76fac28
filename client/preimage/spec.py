"""From a `Request` to the wire's specification. What is left out is the preset's."""

from __future__ import annotations

import math
from datetime import timedelta
from numbers import Integral, Real
from typing import TYPE_CHECKING, TypeVar

from google.protobuf.duration_pb2 import Duration

from preimage.errors import BadInput
from preimage.features import Features
from preimage.v1 import spec_pb2, tensor_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from preimage.request import Mask, Request
    from preimage.sources import Content

K = TypeVar("K")
V = TypeVar("V")

_LANES = {"interactive": spec_pb2.LANE_INTERACTIVE, "batch": spec_pb2.LANE_BATCH}
_PRECISIONS = {
    None: spec_pb2.PRECISION_UNSPECIFIED,
    "float32": spec_pb2.PRECISION_FLOAT32,
    "tf32": spec_pb2.PRECISION_TF32,
    "bfloat16": spec_pb2.PRECISION_BFLOAT16,
}
_LARGEST_INT32 = 2**31 - 1
_WHOLE_NUMBERS = {
    "steps": (1, _LARGEST_INT32),
    "restarts": (1, _LARGEST_INT32),
    "seed": (0, 2**64 - 1),
    "preview_every_steps": (0, _LARGEST_INT32),
}
"""What the wire can hold, so that a mistake is named here; what makes sense, the server decides."""
_NUMBERS = (
    "data_weight",
    "tv_weight",
    "tv_exponent",
    "alpha_weight",
    "alpha_exponent",
    "target_error",
    "rate_factor",
    "deadline_seconds",
)


def spec_of(request: Request, content: Content) -> spec_pb2.PreimageSpec:
    """Builds all of the specification but its target.

    Args:
        request: what to compute.
        content: what the request's source holds; a code may bring its input size along.

    Raises:
        BadInput: a setting has the wrong type, or a code belongs to another model or layer.
    """
    if isinstance(content, Features):
        _check_origin(request, content)
    _check_numbers(request)
    try:
        return _spec(request, content)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadInput(f"A setting does not fit: {error}") from error


def _check_numbers(request: Request) -> None:
    for name, (least, largest) in _WHOLE_NUMBERS.items():
        value = getattr(request, name)
        if value is None:
            continue
        if not isinstance(value, Integral):
            raise BadInput(f"{name} must be a whole number, not {value!r}.")
        if not least <= int(value) <= largest:
            raise BadInput(f"{name} must be {least} to {largest}, not {value}.")
    for name in _NUMBERS:
        value = getattr(request, name)
        if value is not None and not isinstance(value, Real):
            raise BadInput(f"{name} must be a number, not {value!r}.")


def representation_of(
    model: str, layer: str, input_size: tuple[int, int] | None
) -> spec_pb2.Representation:
    """Builds the representation Φ.

    Args:
        model: name of the model.
        layer: name of its layer.
        input_size: (height, width) in pixels.
    """
    message = spec_pb2.Representation(model=model, layer=layer)
    if input_size is not None:
        height, width = input_size
        message.input_size.CopyFrom(tensor_pb2.PictureSize(height=height, width=width))
    return message


def _spec(request: Request, content: Content) -> spec_pb2.PreimageSpec:
    size = request.input_size
    if size is None and isinstance(content, Features):
        size = content.input_size
    representation = representation_of(request.model, request.layer, size)
    if request.mask is not None:
        representation.mask.CopyFrom(_mask(request.mask))
    return spec_pb2.PreimageSpec(
        representation=representation,
        objective=spec_pb2.Objective(
            kind=spec_pb2.OBJECTIVE_KIND_INVERT, data_weight=request.data_weight
        ),
        priors=spec_pb2.Priors(
            alpha_norm=spec_pb2.AlphaNormPrior(
                weight=request.alpha_weight, exponent=request.alpha_exponent
            ),
            total_variation=spec_pb2.TotalVariationPrior(
                weight=request.tv_weight, exponent=request.tv_exponent
            ),
        ),
        optimiser=spec_pb2.Optimiser(
            preset=request.preset or "",
            steps=request.steps,
            rate_factor=request.rate_factor,
            jitter=request.jitter,
            precision=_choice(_PRECISIONS, "precision", request.precision),
        ),
        stopping=_stopping(request),
        restarts=request.restarts,
        seed=request.seed,
        lane=_choice(_LANES, "lane", request.lane),
        deadline=_duration(request.deadline_seconds),
        progress=spec_pb2.ProgressOptions(preview_every_steps=request.preview_every_steps),
    )


def _stopping(request: Request) -> spec_pb2.StoppingRule:
    plateau = request.plateau
    return spec_pb2.StoppingRule(
        target_error=request.target_error,
        plateau=None
        if plateau is None
        else spec_pb2.Plateau(
            minimum_decrease=plateau.minimum_decrease, window_steps=plateau.window_steps
        ),
    )


def _mask(mask: Mask) -> spec_pb2.Mask:
    def ranges(pairs: Iterable[tuple[int, int]]) -> list[spec_pb2.IndexRange]:
        return [spec_pb2.IndexRange(begin=begin, end=end) for begin, end in pairs]

    return spec_pb2.Mask(
        channels=ranges(mask.channels),
        boxes=[
            spec_pb2.Box(top=top, left=left, height=height, width=width)
            for top, left, height, width in mask.boxes
        ],
        tokens=ranges(mask.tokens),
    )


def _duration(seconds: float | None) -> Duration | None:
    if seconds is None:
        return None
    if not 0 < seconds < math.inf:
        raise BadInput(f"deadline_seconds must be more than 0, not {seconds}.")
    duration = Duration()
    duration.FromTimedelta(timedelta(seconds=seconds))
    return duration


def _choice(choices: Mapping[K, V], name: str, given: K) -> V:
    if given in choices:
        return choices[given]
    known = ", ".join(repr(each) for each in choices if each is not None)
    raise BadInput(f"{name} must be one of {known}, not {given!r}.")


def _check_origin(request: Request, features: Features) -> None:
    asked, origin = (request.model, request.layer), (features.model, features.layer)
    for wanted, known, name in zip(asked, origin, ("model", "layer"), strict=True):
        if known is not None and known != wanted:
            raise BadInput(
                f"These features are codes of {name} {known!r}, but the request names {wanted!r}."
            )
