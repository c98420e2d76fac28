"""Parts of a code: masks and units. Indices lie in the code, and the code has such parts."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from preimage.v1.spec_pb2 import Box, ChannelHalf, IndexRange, Mask, Unit
from preimage_service.checks.fields import check_enum
from preimage_service.checks.shapes import CodeShape
from preimage_service.errors import Violation

_MOST_PARTS = 4096
"""Of one kind. More can always be said with fewer, larger ones or with another kind."""
_LEAST_HALVED = 2


def check_mask(mask: Mask, shape: CodeShape, path: str) -> Iterator[Violation]:
    """That every part names elements of a code of this shape, as far as the shape is known."""
    for name, parts in (
        ("channels", mask.channels),
        ("boxes", mask.boxes),
        ("tokens", mask.tokens),
    ):
        if len(parts) > _MOST_PARTS:
            yield Violation(f"{path}.{name}", f"has {len(parts)} parts; at most {_MOST_PARTS} fit")
            return
    yield from check_enum(mask.channel_half, ChannelHalf.DESCRIPTOR, f"{path}.channel_half")
    for name, axis, check in _KINDS:
        part = getattr(mask, name)
        if part and shape.has(axis):
            yield from check(part, shape, f"{path}.{name}")
        elif part:
            yield Violation(f"{path}.{name}", f"need a code with {_WORDS[axis]}; it is {shape}")


def check_unit(unit: Unit, shape: CodeShape, path: str) -> Iterator[Violation]:
    """That a unit is one of a code of this shape, as far as the shape is known."""
    if not shape.has("channels"):
        yield Violation(path, f"needs a code with channels; that of this layer is {shape}")
        return
    yield from _check_index(unit.channel, shape.extent("channels"), f"{path}.channel")
    if unit.HasField("row") != unit.HasField("column"):
        yield Violation(path, "has a row or a column alone: give both, or none for all positions")
    for name, axis in (("row", "height"), ("column", "width"), ("token", "tokens")):
        if not unit.HasField(name):  # type: ignore[arg-type]  # the stubs want literal names
            continue
        if shape.has(axis):
            yield from _check_index(getattr(unit, name), shape.extent(axis), f"{path}.{name}")
        else:
            yield Violation(f"{path}.{name}", f"needs a code with {axis}; it is {shape}")


def _check_ranges(
    ranges: Sequence[IndexRange], extent: int | None, path: str
) -> Iterator[Violation]:
    for index, part in enumerate(ranges):
        if not 0 <= part.begin < part.end or (extent is not None and part.end > extent):
            limit = "" if extent is None else f" ≤ {extent}"
            yield Violation(
                f"{path}[{index}]", f"is {part.begin} to {part.end}; must be 0 ≤ begin < end{limit}"
            )


def _check_channels(
    channels: Sequence[IndexRange], shape: CodeShape, path: str
) -> Iterator[Violation]:
    yield from _check_ranges(channels, shape.extent("channels"), path)


def _check_tokens(tokens: Sequence[IndexRange], shape: CodeShape, path: str) -> Iterator[Violation]:
    yield from _check_ranges(tokens, shape.extent("tokens"), path)


def _check_half(_half: int, shape: CodeShape, path: str) -> Iterator[Violation]:
    extent = shape.extent("channels")
    if extent is not None and extent < _LEAST_HALVED:
        yield Violation(path, f"needs at least {_LEAST_HALVED} channels; the code is {shape}")


def _check_boxes(boxes: Sequence[Box], shape: CodeShape, path: str) -> Iterator[Violation]:
    rows, columns = shape.extent("height"), shape.extent("width")
    for index, box in enumerate(boxes):
        if not (_inside(box.top, box.height, rows) and _inside(box.left, box.width, columns)):
            yield Violation(
                f"{path}[{index}]",
                f"covers rows {box.top} to {box.top + box.height} and columns {box.left} to"
                f" {box.left + box.width}; must lie in a code of shape {shape}",
            )


def _check_centre(side: int, shape: CodeShape, path: str) -> Iterator[Violation]:
    if not (_inside(0, side, shape.extent("height")) and _inside(0, side, shape.extent("width"))):
        yield Violation(
            path, f"is {side} × {side} positions; must be at least 1 and lie in a code {shape}"
        )


def _inside(first: int, count: int, extent: int | None) -> bool:
    return first >= 0 and count >= 1 and (extent is None or first + count <= extent)


def _check_index(index: int, extent: int | None, path: str) -> Iterator[Violation]:
    if index < 0 or (extent is not None and index >= extent):
        limit = "" if extent is None else f" and below {extent}"
        yield Violation(path, f"is {index}; must be at least 0{limit}")


_KINDS: tuple[tuple[str, str, Callable[[Any, CodeShape, str], Iterator[Violation]]], ...] = (
    ("channels", "channels", _check_channels),
    ("channel_half", "channels", _check_half),
    ("boxes", "height", _check_boxes),
    ("centre", "height", _check_centre),
    ("tokens", "tokens", _check_tokens),
)
"""Field, the axis that a code must have for it, and what else must be right."""
_WORDS = {
    "channels": "channels",
    "height": "positions, like (channels, height, width)",
    "tokens": "tokens, (tokens, channels)",
}
