"""From a `Request` to the wire's specification. What is left out is the preset's."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from google.protobuf.duration_pb2 import Duration

from preimage.contents import check_content, input_size_of
from preimage.errors import BadInput
from preimage.layers import terms_of
from preimage.objectives import choice, objective_of, priors_of, repulsion_of
from preimage.settings import check_input_size, check_settings
from preimage.v1 import preimage_service_pb2, spec_pb2, tensor_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable

    from preimage.parts import Mask
    from preimage.request import Request
    from preimage.sources import Content

_LANES = {"interactive": spec_pb2.LANE_INTERACTIVE, "batch": spec_pb2.LANE_BATCH}
_CACHES = {
    "use": preimage_service_pb2.CACHE_CONTROL_USE,
    "refresh": preimage_service_pb2.CACHE_CONTROL_REFRESH,
    "bypass": preimage_service_pb2.CACHE_CONTROL_BYPASS,
}
_PRECISIONS = {
    None: spec_pb2.PRECISION_UNSPECIFIED,
    "float32": spec_pb2.PRECISION_FLOAT32,
    "tf32": spec_pb2.PRECISION_TF32,
    "bfloat16": spec_pb2.PRECISION_BFLOAT16,
}

_PARAMETRISATIONS = {
    None: spec_pb2.PARAMETRISATION_UNSPECIFIED,
    "pixels": spec_pb2.PARAMETRISATION_PIXELS,
    "dct": spec_pb2.PARAMETRISATION_DCT,
    "fourier": spec_pb2.PARAMETRISATION_FOURIER,
}
_HALVES = {
    None: spec_pb2.CHANNEL_HALF_UNSPECIFIED,
    "first": spec_pb2.CHANNEL_HALF_FIRST,
    "second": spec_pb2.CHANNEL_HALF_SECOND,
}


def spec_of(request: Request, content: Content) -> spec_pb2.PreimageSpec:
    """Builds all of the specification but its target and the tensors that come with it.

    Args:
        request: what to compute.
        content: what the request's source holds; a code may bring its input size along.

    Raises:
        BadInput: a setting has the wrong type, or a code belongs to another model or layer.
    """
    check_settings(request)
    check_content(request, content)
    try:
        return _spec(request, content)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadInput(f"A setting does not fit: {error}") from error


def cache_control_of(request: Request) -> preimage_service_pb2.CacheControl.ValueType:
    """Translates what an equal job means; raises BadInput."""
    return choice(_CACHES, "cache", request.cache)


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
    return spec_pb2.PreimageSpec(
        representation=_representation(request, content),
        objective=objective_of(request),
        priors=priors_of(request),
        optimiser=_optimiser(request),
        stopping=_stopping(request),
        restarts=request.restarts,
        repulsion=repulsion_of(request),
        seed=request.seed,
        lane=choice(_LANES, "lane", request.lane),
        deadline=_duration(request.deadline_seconds),
        progress=spec_pb2.ProgressOptions(preview_every_steps=request.preview_every_steps),
    )


def _representation(request: Request, content: Content) -> spec_pb2.Representation:
    first, *further = terms_of(request)
    size = request.input_size or input_size_of(content)
    message = representation_of(request.model, first.layer, size)
    if first.mask is not None:
        message.mask.CopyFrom(_mask(first.mask))
    if further:
        message.layer_weight = first.weight
    for term in further:
        mask = None if term.mask is None else _mask(term.mask)
        message.further_layers.add(layer=term.layer, weight=term.weight, mask=mask)
    return message


def _optimiser(request: Request) -> spec_pb2.Optimiser:
    return spec_pb2.Optimiser(
        preset=request.preset or "",
        steps=request.steps,
        rate_factor=request.rate_factor,
        jitter=request.jitter,
        precision=choice(_PRECISIONS, "precision", request.precision),
        parametrisation=choice(_PARAMETRISATIONS, "parametrisation", request.parametrisation),
        decorrelate_colour=request.decorrelate_colour,
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
        centre=mask.centre or 0,
        channel_half=choice(_HALVES, "mask.channel_half", mask.channel_half),
    )


def _duration(seconds: float | None) -> Duration | None:
    if seconds is None:
        return None
    duration = Duration()
    duration.FromTimedelta(timedelta(seconds=float(seconds)))
    return duration
