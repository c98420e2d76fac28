"""Pictures and codes of a request: inside it where they are small, else sent ahead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from preimage.features import Features
from preimage.parts import Unit
from preimage.tensors import wire_array
from preimage.v1 import spec_pb2, tensor_pb2

if TYPE_CHECKING:
    from preimage.calls import Caller
    from preimage.reconstructions import Pixels
    from preimage.sources import Content
    from preimage.tensors import Array


async def place_inputs(
    caller: Caller, spec: spec_pb2.PreimageSpec, content: Content, variance: Features | None
) -> None:
    """Puts the target, the codes of further layers and the variance into a specification."""
    codes = dict(content) if isinstance(content, Mapping) else {}
    sharing = max(len(codes), 1) + (variance is not None)
    if codes:
        content = codes.pop(spec.representation.layer)
    spec.target.CopyFrom(await _target(caller, content, sharing))
    for term in spec.representation.further_layers if codes else ():
        inline, ahead = await _placed(caller, codes[term.layer].array, sharing)
        term.ClearField("code")  # of an earlier submission: merging would add to it
        term.MergeFrom(spec_pb2.LayerTerm(features=inline, uploaded_features=ahead))
    if variance is not None:
        inline, ahead = await _placed(caller, variance.array, sharing)
        spec.objective.ClearField("variances")
        spec.objective.MergeFrom(spec_pb2.Objective(variance=inline, uploaded_variance=ahead))


async def place_picture(caller: Caller, content: bytes | Pixels) -> tensor_pb2.Picture:
    """Builds the message of a picture."""
    if isinstance(content, bytes):
        return tensor_pb2.Picture(encoded=content)
    inline, ahead = await _placed(caller, wire_array(content), 1)
    return tensor_pb2.Picture(pixels=inline, uploaded=ahead)


async def _target(caller: Caller, content: Content, sharing: int) -> spec_pb2.Target:
    if isinstance(content, Unit):
        unit = spec_pb2.Unit(
            channel=content.channel, row=content.row, column=content.column, token=content.token
        )
        return spec_pb2.Target(unit=unit)
    if isinstance(content, Features):
        inline, ahead = await _placed(caller, content.array, sharing)
        return spec_pb2.Target(features=inline, uploaded_features=ahead)
    assert not isinstance(content, Mapping)
    return spec_pb2.Target(picture=await place_picture(caller, content))


async def _placed(
    caller: Caller, array: Array, sharing: int
) -> tuple[tensor_pb2.Tensor | None, tensor_pb2.TensorReference | None]:
    """The array inside the request, or its name: one of the two is None."""
    placed = await caller.place(array, sharing)
    if isinstance(placed, tensor_pb2.Tensor):
        return placed, None
    return None, placed
