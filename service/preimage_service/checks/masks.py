"""The mask: indices that lie in the code, parts that fit its kind."""

from collections.abc import Iterator, Sequence

from preimage.v1.spec_pb2 import IndexRange, Mask
from preimage_service.checks.shapes import SPATIAL_RANK, TOKEN_RANK, CodeShape
from preimage_service.errors import Violation

_MOST_PARTS = 4096
"""Of one kind. More can always be said with fewer, larger ones or with another kind."""


def check_mask(mask: Mask, shape: CodeShape, path: str) -> Iterator[Violation]:
    """That every part names elements of a code of this shape, as far as the shape is known."""
    rank = len(shape.extents)
    for name, parts in (
        ("channels", mask.channels),
        ("boxes", mask.boxes),
        ("tokens", mask.tokens),
    ):
        if len(parts) > _MOST_PARTS:
            yield Violation(f"{path}.{name}", f"has {len(parts)} parts; at most {_MOST_PARTS} fit")
            return
    yield from _check_ranges(mask.channels, shape.channels, f"{path}.channels")
    if mask.boxes and rank != SPATIAL_RANK:
        yield Violation(f"{path}.boxes", f"need a code (channels, height, width); it is {shape}")
    elif mask.boxes:
        yield from _check_boxes(mask, shape, f"{path}.boxes")
    if mask.tokens and rank != TOKEN_RANK:
        yield Violation(f"{path}.tokens", f"need a code (tokens, channels); it is {shape}")
    elif mask.tokens:
        yield from _check_ranges(mask.tokens, shape.extents[0], f"{path}.tokens")


def _check_ranges(
    ranges: Sequence[IndexRange], extent: int | None, path: str
) -> Iterator[Violation]:
    for index, part in enumerate(ranges):
        if not 0 <= part.begin < part.end or (extent is not None and part.end > extent):
            limit = "" if extent is None else f" ≤ {extent}"
            yield Violation(
                f"{path}[{index}]", f"is {part.begin} to {part.end}; must be 0 ≤ begin < end{limit}"
            )


def _check_boxes(mask: Mask, shape: CodeShape, path: str) -> Iterator[Violation]:
    for index, box in enumerate(mask.boxes):
        sides = ((box.top, box.height, shape.extents[1]), (box.left, box.width, shape.extents[2]))
        if not all(_inside(first, count, extent) for first, count, extent in sides):
            yield Violation(
                f"{path}[{index}]",
                f"covers rows {box.top} to {box.top + box.height} and columns {box.left} to"
                f" {box.left + box.width}; must lie in a code of shape {shape}",
            )


def _inside(first: int, count: int, extent: int | None) -> bool:
    return first >= 0 and count >= 1 and (extent is None or first + count <= extent)
