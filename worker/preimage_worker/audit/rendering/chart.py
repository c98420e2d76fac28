"""Where things stand in a chart, in units of its view box; the template draws them.

Both axes run from 0 to 1. Numbers beside marks move aside until they cover no other mark and no
other number.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, final

from preimage_worker.audit.rendering.tradeoffs import Panel, Point

WIDTH: Final = 380
HEIGHT: Final = 290
LEFT, RIGHT, TOP, BOTTOM = 58, 358, 14, 238
TICKS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)

_RADIUS: Final = 6.0
_DIGIT_WIDTH, _LINE_HEIGHT = 7.5, 12.0
_APART: Final = 2.5
"""Beside a number, or 2 and 1 would read 21."""
_ASIDE: Final = (
    (8.0, -7.0),
    (8.0, 15.0),
    (-8.0, -7.0),
    (-8.0, 15.0),
    (0.0, -11.0),
    (0.0, 20.0),
    (13.0, 4.0),
    (-13.0, 4.0),
    (0.0, -23.0),
    (0.0, 32.0),
    (14.0, -19.0),
    (-14.0, -19.0),
)
"""Of a number from its mark, the nearest first."""


@final
@dataclass(frozen=True)
class Mark:
    """A point where it is drawn."""

    point: Point
    x: float
    y: float
    left: float
    right: float
    low: float
    high: float
    """Ends of the intervals."""
    chance: float
    """The height of chance."""
    label_x: float
    label_y: float


@final
@dataclass(frozen=True)
class Chart:
    """A panel where it is drawn."""

    panel: Panel
    marks: tuple[Mark, ...]
    curves: tuple[str, ...]
    """Points of polylines."""


_Box = tuple[float, float, float, float]


def across(value: float) -> float:
    """Where a utility stands."""
    return LEFT + (RIGHT - LEFT) * min(max(value, 0.0), 1.0)


def up(value: float) -> float:
    """Where a height stands."""
    return BOTTOM - (BOTTOM - TOP) * min(max(value, 0.0), 1.0)


def draw(panel: Panel) -> Chart:
    """Places everything."""
    spots = [(across(one.utility.estimate), up(one.value.estimate)) for one in panel.points]
    labels = _labels(spots, [str(one.number) for one in panel.points])
    marks = tuple(_mark(*each) for each in zip(panel.points, spots, labels, strict=True))
    curves = tuple(
        " ".join(f"{spots[i][0]:.1f},{spots[i][1]:.1f}" for i in one) for one in panel.curves
    )
    return Chart(panel, marks, curves)


def _mark(point: Point, spot: tuple[float, float], label: tuple[float, float]) -> Mark:
    return Mark(
        point=point,
        x=spot[0],
        y=spot[1],
        left=across(point.utility.lower),
        right=across(point.utility.upper),
        low=up(point.value.lower),
        high=up(point.value.upper),
        chance=up(point.chance),
        label_x=label[0],
        label_y=label[1],
    )


def _labels(
    spots: Sequence[tuple[float, float]], texts: Sequence[str]
) -> Iterator[tuple[float, float]]:
    taken = [(x - _RADIUS, y - _RADIUS, x + _RADIUS, y + _RADIUS) for x, y in spots]
    for (x, y), text in zip(spots, texts, strict=True):
        choices = [(x + dx, y + dy) for dx, dy in _ASIDE]
        boxes = [_box(choice, text) for choice in choices]
        crowding = [_outside(box) + sum(_shared(box, other) for other in taken) for box in boxes]
        best = crowding.index(min(crowding))
        taken.append(boxes[best])
        yield choices[best]


def _box(at: tuple[float, float], text: str) -> _Box:
    half = _DIGIT_WIDTH * len(text) / 2 + _APART
    return at[0] - half, at[1] - _LINE_HEIGHT, at[0] + half, at[1] + 2


def _shared(one: _Box, other: _Box) -> float:
    """The area that two boxes share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0.0) * max(height, 0.0)


def _outside(box: _Box) -> float:
    """The area of a box that is beyond the drawing: as bad as another number's."""
    whole = (box[2] - box[0]) * (box[3] - box[1])
    return whole - _shared(box, (LEFT, 0, WIDTH, BOTTOM))
