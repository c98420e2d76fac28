"""Which axis of a code is what: masks and units go by it.

The announcement of a layer says its layout; where it does not, the number of axes does.
"""

from typing import NamedTuple

from preimage.v1 import model_service_pb2 as wire
from preimage_worker.inversion.representations.layouts import Layout

Shape = tuple[int, ...]


class Axes(NamedTuple):
    """Indices of a code's axes; None for what the code has not."""

    channels: int | None
    rows: int | None = None
    columns: int | None = None
    tokens: int | None = None


WIRE_LAYOUTS = {
    Layout.CHANNELS_FIRST: wire.CODE_LAYOUT_CHANNELS_FIRST,
    Layout.CHANNELS_LAST: wire.CODE_LAYOUT_CHANNELS_LAST,
    Layout.TOKENS: wire.CODE_LAYOUT_TOKENS,
    Layout.VECTOR: wire.CODE_LAYOUT_VECTOR,
    Layout.OTHER: wire.CODE_LAYOUT_OTHER,
}
LAYOUTS = {value: layout for layout, value in WIRE_LAYOUTS.items()}
"""By the wire's values; the one that is not set is missing."""
_AXES = {
    wire.CODE_LAYOUT_CHANNELS_FIRST: Axes(channels=0, rows=1, columns=2),
    wire.CODE_LAYOUT_CHANNELS_LAST: Axes(channels=2, rows=0, columns=1),
    wire.CODE_LAYOUT_TOKENS: Axes(channels=1, tokens=0),
    wire.CODE_LAYOUT_VECTOR: Axes(channels=0),
    wire.CODE_LAYOUT_OTHER: Axes(channels=None),
}
_BY_NUMBER = {
    3: wire.CODE_LAYOUT_CHANNELS_FIRST,
    2: wire.CODE_LAYOUT_TOKENS,
    1: wire.CODE_LAYOUT_VECTOR,
}


def axes_of(shape: Shape, layout: wire.CodeLayout.ValueType = wire.CODE_LAYOUT_UNSPECIFIED) -> Axes:
    """The axes of a code of this shape and layout."""
    if layout == wire.CODE_LAYOUT_UNSPECIFIED:
        return _AXES[_BY_NUMBER.get(len(shape), wire.CODE_LAYOUT_OTHER)]
    return _AXES[layout]
