"""Which shape a code must have, as far as that is known without the network.

GetModel states a layer's shape for the model's own input size. Representations of any size have
cells: one every `stride` pixels, as HOG does with (side + stride/2) // stride cells a side. For
other sizes of other models only rank and channels are known here; the worker knows the rest.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from preimage.v1.model_service_pb2 import Layer, Model

SPATIAL_RANK = 3
TOKEN_RANK = 2


@final
@dataclass(frozen=True, slots=True)
class Size:
    """Extent of a picture in pixels."""

    height: int
    width: int

    def __str__(self) -> str:
        """As in batch keys: height first."""
        return f"{self.height}x{self.width}"

    @property
    def pixels(self) -> int:
        """How many there are."""
        return self.height * self.width


@final
@dataclass(frozen=True, slots=True)
class CodeShape:
    """What is known of a code's shape: None stands for an extent that is not."""

    extents: tuple[int | None, ...]

    def admits(self, shape: Sequence[int]) -> bool:
        """Whether a code may have this shape."""
        pairs = zip(self.extents, shape, strict=False)
        return len(shape) == len(self.extents) and all(e in (None, s) for e, s in pairs)

    @property
    def channels(self) -> int | None:
        """Extent of the channel axis: the first of spatial codes, the last of others."""
        return self.extents[0 if len(self.extents) >= SPATIAL_RANK else -1]

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


def expected_shape(model: Model, layer: Layer, size: Size | None) -> CodeShape:
    """What is known of the shape of `layer`'s code for pictures of `size` (None: not known yet)."""
    known = tuple(int(extent) for extent in layer.code_shape)
    if size is not None and size == model_size(model):
        return CodeShape(known)
    if model.preprocessing.any_size and len(known) == SPATIAL_RANK:
        if size is None:
            return CodeShape((known[0], None, None))
        return CodeShape((known[0], *cells(size, layer.stride)))
    if len(known) >= SPATIAL_RANK:
        return CodeShape((known[0], *(None for _ in known[1:])))
    return CodeShape((*(None for _ in known[:-1]), *known[-1:]))


def cells(size: Size, stride: int) -> tuple[int, int]:
    """Cells of a representation of any size: VLFeat's rule, rounded to the nearest."""
    return (size.height + stride // 2) // stride, (size.width + stride // 2) // stride


def implied_size(layer: Layer, shape: Sequence[int]) -> Size:
    """The picture that a code of a representation of any size is looked for on."""
    return Size(int(shape[-2]) * layer.stride, int(shape[-1]) * layer.stride)


def elements(shape: Sequence[int]) -> int:
    """Product of the extents; Python's integers do not overflow."""
    return math.prod(shape)
