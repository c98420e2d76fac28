"""Which shape a code must have, and what its axes are, as far as that is known without the network.

GetModel states a layer's shape for the model's own input size, and for formulas such as HOG how the
rows and columns of a code follow from the picture's size. For other sizes of other models only the
number of axes and of channels is known here; the worker knows the rest.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

from preimage.v1.model_service_pb2 import CodeLayout, Layer, Model
from preimage_orders import Size

Layout: TypeAlias = CodeLayout.ValueType

_BY_AXES = {
    3: CodeLayout.CODE_LAYOUT_CHANNELS_FIRST,
    2: CodeLayout.CODE_LAYOUT_TOKENS,
    1: CodeLayout.CODE_LAYOUT_VECTOR,
}
_AXES = {
    CodeLayout.CODE_LAYOUT_CHANNELS_FIRST: ("channels", "height", "width"),
    CodeLayout.CODE_LAYOUT_CHANNELS_LAST: ("height", "width", "channels"),
    CodeLayout.CODE_LAYOUT_TOKENS: ("tokens", "channels"),
    CodeLayout.CODE_LAYOUT_VECTOR: ("channels",),
}
"""What the axes of a layout are called; those of OTHER have no names."""

_SPATIAL = frozenset({CodeLayout.CODE_LAYOUT_CHANNELS_FIRST, CodeLayout.CODE_LAYOUT_CHANNELS_LAST})


@final
@dataclass(frozen=True, slots=True)
class CodeShape:
    """What is known of a code's shape: None stands for an extent that is not."""

    extents: tuple[int | None, ...]
    layout: Layout

    def admits(self, shape: Sequence[int]) -> bool:
        """Whether a code may have this shape."""
        pairs = zip(self.extents, shape, strict=False)
        return len(shape) == len(self.extents) and all(e in (None, s) for e, s in pairs)

    def has(self, axis: str) -> bool:
        """Whether the code has an axis of this name: "channels", "height", "width", "tokens"."""
        return axis in _AXES.get(self.layout, ())

    def extent(self, axis: str) -> int | None:
        """Extent of an axis that it has; None where that is not known."""
        return self.extents[_AXES[self.layout].index(axis)]

    def __str__(self) -> str:
        """For messages: "(64, 55, any)"."""
        inner = ", ".join("any" if extent is None else str(extent) for extent in self.extents)
        return f"({inner})"


def model_size(model: Model) -> Size | None:
    """The model's own input size; None for representations of any size."""
    if model.preprocessing.any_size:
        return None
    own = model.preprocessing.input_size
    return Size(own.height, own.width)


def layout_of(layer: Layer) -> Layout:
    """What the axes of the layer's code are: as announced, else by their number."""
    announced = layer.layout or _BY_AXES.get(len(layer.code_shape))
    if announced is None or len(_AXES.get(announced, ())) != len(layer.code_shape):
        return CodeLayout.CODE_LAYOUT_OTHER
    return announced


def expected_shape(model: Model, layer: Layer, size: Size | None) -> CodeShape:
    """What is known of the shape of `layer`'s code for pictures of `size` (None: not known yet)."""
    known, layout = tuple(int(extent) for extent in layer.code_shape), layout_of(layer)
    if size is not None and size == model_size(model):
        return CodeShape(known, layout)
    names = _AXES.get(layout, ("",) * len(known))
    extents: dict[str, int | None] = dict.fromkeys(names)
    if "channels" in names:
        extents["channels"] = known[names.index("channels")]
    if size is not None and has_cells(layer):
        extents |= {"height": _cells(size.height, layer), "width": _cells(size.width, layer)}
    return CodeShape(tuple(extents[name] for name in names), layout)


def has_cells(layer: Layer) -> bool:
    """Whether the rows and columns of the code follow from the size of the picture."""
    return layer.HasField("grid_offset") and layout_of(layer) in _SPATIAL


def implied_size(layer: Layer, shape: Sequence[int]) -> Size | None:
    """The picture that a code is looked for on; None where it does not follow from the code."""
    names = _AXES.get(layout_of(layer), ())
    if not has_cells(layer) or len(shape) != len(names):
        return None
    rows, columns = (int(shape[names.index(axis)]) for axis in ("height", "width"))
    margin = max(-layer.grid_offset, 0)
    return Size(layer.stride * rows + margin, layer.stride * columns + margin)


def least_side(model: Model, layer: Layer) -> int:
    """Smallest side of a picture that has a code of this layer."""
    first = layer.stride - layer.grid_offset if has_cells(layer) else 1
    return max(model.preprocessing.minimum_side, first)


def _cells(side: int, layer: Layer) -> int:
    return max((side + layer.grid_offset) // max(layer.stride, 1), 0)


def elements(shape: Sequence[int]) -> int:
    """Product of the extents; Python's integers do not overflow."""
    return math.prod(shape)
