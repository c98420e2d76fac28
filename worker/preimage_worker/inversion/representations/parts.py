"""Which part of a code belongs to which layer.

A representation of one layer has one part, the whole code. One of several layers gives one vector,
the layers' codes flattened and put one behind the other; its parts say where each lies and which
shape it had, so that weights and masks of single layers can be laid over the vector.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from preimage_worker.inversion.representations.base import Representation


class Part(NamedTuple):
    """The code of one layer within the code of a representation."""

    layer: str
    """Its name."""
    shape: tuple[int, ...]
    """Its own shape, without the lane axis."""
    where: slice
    """Its elements in the flattened code."""


@runtime_checkable
class Composite(Protocol):
    """A representation of several layers."""

    def parts(self, height: int, width: int) -> tuple[Part, ...]:
        """The layers' parts for pictures of this size, in the order of the layers."""
        ...


def parts_of(representation: Representation, height: int, width: int) -> tuple[Part, ...]:
    """The parts of any representation's code, for pictures of this size.

    Raises:
        InversionError: the representation takes no pictures of this size.
    """
    if isinstance(representation, Composite):
        return representation.parts(height, width)
    return line_up([representation.layer], [representation.code_shape(height, width)])


def line_up(layers: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> tuple[Part, ...]:
    """Parts of these shapes, one behind the other."""
    parts, end = list[Part](), 0
    for layer, shape in zip(layers, shapes, strict=True):
        begin, end = end, end + math.prod(shape)
        parts.append(Part(layer, shape, slice(begin, end)))
    return tuple(parts)
