"""Masks over codes: channels, boxes and tokens of the wire as one boolean tensor.

Parts of one kind are united, parts of different kinds intersected. A code (channels, height, width)
has channels and boxes, (tokens, channels) has tokens and channels, (channels) has channels.
"""

from collections.abc import Iterable

import torch

from preimage.v1 import spec_pb2 as wire
from preimage_worker.errors import InvalidSpecError

_SPATIAL, _TOKENS, _VECTOR = 3, 2, 1
_CHANNEL_AXIS = {_SPATIAL: 0, _TOKENS: 1, _VECTOR: 0}


def build(mask: wire.Mask, shape: tuple[int, ...]) -> torch.Tensor | None:
    """The mask for a code of this shape, or None where everything counts.

    Raises:
        InvalidSpecError: a part does not fit the shape, or nothing is left.
    """
    if not (mask.channels or mask.boxes or mask.tokens):
        return None
    kept = torch.ones(shape, dtype=torch.bool)
    if mask.channels:
        kept &= _along(shape, _axis(shape), mask.channels, "channels")
    if mask.tokens:
        if len(shape) != _TOKENS:
            raise InvalidSpecError(f"A code of shape {list(shape)} has no tokens to mask.")
        kept &= _along(shape, 0, mask.tokens, "tokens")
    if mask.boxes:
        kept &= _boxes(shape, mask.boxes)
    if not kept.any():
        raise InvalidSpecError("The mask leaves nothing of the code.")
    return kept


def _axis(shape: tuple[int, ...]) -> int:
    if len(shape) not in _CHANNEL_AXIS:
        raise InvalidSpecError(f"A code of shape {list(shape)} has no channels to mask.")
    return _CHANNEL_AXIS[len(shape)]


def _along(
    shape: tuple[int, ...], axis: int, ranges: Iterable[wire.IndexRange], what: str
) -> torch.Tensor:
    line = torch.zeros(shape[axis], dtype=torch.bool)
    for each in ranges:
        if not 0 <= each.begin < each.end <= shape[axis]:
            raise InvalidSpecError(
                f"The mask's {what} {each.begin} to {each.end} do not lie in 0 to {shape[axis]}."
            )
        line[each.begin : each.end] = True
    view = [1] * len(shape)
    view[axis] = -1
    return line.view(view)


def _boxes(shape: tuple[int, ...], boxes: Iterable[wire.Box]) -> torch.Tensor:
    if len(shape) != _SPATIAL:
        raise InvalidSpecError(f"A code of shape {list(shape)} has no positions to mask.")
    plane = torch.zeros(shape[1:], dtype=torch.bool)
    for box in boxes:
        bottom, right = box.top + box.height, box.left + box.width
        inside = min(box.top, box.left) >= 0 and min(box.height, box.width) >= 1
        if not inside or bottom > shape[1] or right > shape[2]:
            raise InvalidSpecError(
                f"The mask's box of rows {box.top} to {bottom} and columns {box.left} to {right} "
                f"does not lie in {shape[1]} × {shape[2]}."
            )
        plane[box.top : bottom, box.left : right] = True
    return plane[None]
