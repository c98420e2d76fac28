"""Masks over codes: channels, boxes and tokens of the wire as one boolean tensor.

Parts of one kind are united, parts of different kinds intersected. A half of the channels is a
range of channels, the central k × k positions are a box.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from preimage.v1 import model_service_pb2 as models_wire
from preimage.v1 import spec_pb2 as wire
from preimage_worker.axes import Shape, axes_of
from preimage_worker.errors import InvalidSpecError


def build(
    mask: wire.Mask,
    shape: Shape,
    layout: models_wire.CodeLayout.ValueType = models_wire.CODE_LAYOUT_UNSPECIFIED,
) -> Tensor | None:
    """The mask for a code of this shape and layout, or None where everything counts.

    Raises:
        InvalidSpecError: a part does not fit the shape, or nothing is left.
    """
    axes = axes_of(shape, layout)
    kinds = [
        _along(shape, axes.channels, _channels(mask, shape, axes.channels), "channels"),
        _along(shape, axes.tokens, mask.tokens, "tokens"),
        _boxes(mask, shape, axes.rows, axes.columns),
    ]
    asked = [kept for kept in kinds if kept is not None]
    if not asked:
        return None
    kept = torch.ones(shape, dtype=torch.bool)
    for part in asked:
        kept &= part
    if not kept.any():
        raise InvalidSpecError("The mask leaves nothing of the code.")
    return kept


def _channels(mask: wire.Mask, shape: Shape, axis: int | None) -> list[wire.IndexRange]:
    """The ranges of channels, a half among them."""
    ranges = list(mask.channels)
    if mask.channel_half == wire.CHANNEL_HALF_UNSPECIFIED:
        return ranges
    number = 0 if axis is None else shape[axis]
    half = number // 2
    first = mask.channel_half == wire.CHANNEL_HALF_FIRST
    return [*ranges, wire.IndexRange(begin=0 if first else half, end=half if first else number)]


def _along(
    shape: Shape, axis: int | None, ranges: Sequence[wire.IndexRange], what: str
) -> Tensor | None:
    if not ranges:
        return None
    if axis is None:
        raise InvalidSpecError(f"A code of shape {list(shape)} has no {what} to mask.")
    line = torch.zeros(shape[axis], dtype=torch.bool)
    for each in ranges:
        if not 0 <= each.begin < each.end <= shape[axis]:
            raise InvalidSpecError(
                f"The mask's {what} {each.begin} to {each.end} do not lie in 0 to {shape[axis]}."
            )
        line[each.begin : each.end] = True
    return line.view([-1 if each == axis else 1 for each in range(len(shape))])


def _boxes(mask: wire.Mask, shape: Shape, rows: int | None, columns: int | None) -> Tensor | None:
    if not mask.boxes and mask.centre == 0:
        return None
    if rows is None or columns is None:
        raise InvalidSpecError(f"A code of shape {list(shape)} has no positions to mask.")
    height, width = shape[rows], shape[columns]
    plane = torch.zeros(height, width, dtype=torch.bool)
    for box in [*mask.boxes, *_central(mask.centre, height, width)]:
        bottom, right = box.top + box.height, box.left + box.width
        inside = min(box.top, box.left) >= 0 and min(box.height, box.width) >= 1
        if not inside or bottom > height or right > width:
            raise InvalidSpecError(
                f"The mask's box of rows {box.top} to {bottom} and columns {box.left} to {right} "
                f"does not lie in {height} × {width}."
            )
        plane[box.top : bottom, box.left : right] = True
    # Rows come before columns in every layout.
    return plane.view([shape[axis] if axis in {rows, columns} else 1 for axis in range(len(shape))])


def _central(side: int, height: int, width: int) -> list[wire.Box]:
    """The central positions; where they cannot be central, nearer to the upper left."""
    if side == 0:
        return []
    top, left = (height - side) // 2, (width - side) // 2
    return [wire.Box(top=top, left=left, height=side, width=side)]
