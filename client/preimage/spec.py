"""From a `Request` to the wire's specification. What is left out is the preset's."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from google.protobuf.duration_pb2 import Duration

from preimage.errors import BadInput
from preimage.features import Features
from preimage.settings import check_input_size, check_settings
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
    check_settings(request)
    try:
        return _spec(request, content)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadInput(f"A setting does not fit: {error}") from error


def representation_of(
    model: str, layer: str, input_size: tuple[int, int] | None
) -> spec_pb2.Representation:
    """Builds the representation Φ.

    Args:
        model: name of the model.
        layer: name of its layer.
        input_size: (height, width) in pixels.

    Raises:
        BadInput: the size is none.
    """
    message = spec_pb2.Representation(model=model, layer=layer)
    if input_size is not None:
        check_input_size(input_size)
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
    duration = Duration()
    duration.FromTimedelta(timedelta(seconds=float(seconds)))
    return duration


def _choice(choices: Mapping[K, V], name: str, given: K) -> V:
    # A list or a dict, given by mistake, cannot be looked up: it is compared instead.
    for choice, value in choices.items():
        if choice == given:
            return value
    known = ", ".join(repr(each) for each in choices if each is not None)
    raise BadInput(f"The setting {name} must be one of {known}, not {given!r}.")


def _check_origin(request: Request, features: Features) -> None:
    asked, origin = (request.model, request.layer), (features.model, features.layer)
    for wanted, known, name in zip(asked, origin, ("model", "layer"), strict=True):
        if known is not None and known != wanted:
            raise BadInput(
                f"These features are codes of {name} {known!r}, but the request names {wanted!r}."
            )
