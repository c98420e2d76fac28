"""What each defence of a layer buys at which utility, as points of two charts.

Points of one kind of defence are joined in the order of utility, so that a curve is what
turning its strength does. The undefended code belongs to no curve.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, final

from preimage_worker.audit.measures.intervals import Interval
from preimage_worker.audit.records import Linkage, Row, Utility
from preimage_worker.audit.rendering.answers import NONE, usable
from preimage_worker.audit.rendering.figures import (
    limits,
    limits_percent,
    number,
    percent,
    score,
)
from preimage_worker.audit.rendering.words import MARKS

_STRENGTH: Final = re.compile(r"=[^,+]*")


@final
@dataclass(frozen=True)
class Point:
    """A defence, by the number that it has in its layer."""

    number: int
    utility: Interval
    value: Interval
    """From 0 to 1."""
    chance: float
    mark: str
    words: str


@final
@dataclass(frozen=True)
class Panel:
    """One chart."""

    title: str
    axis: str
    points: tuple[Point, ...]
    curves: tuple[tuple[int, ...], ...]
    """Indices of points."""

    @property
    def description(self) -> str:
        """The chart in words."""
        return " ".join(each.words for each in self.points)


@final
@dataclass(frozen=True)
class Layer:
    """A layer with its rows, the undefended one first, then by falling utility."""

    name: str
    rows: tuple[Row, ...]
    panels: tuple[Panel, ...]
    left_out: tuple[str, ...]
    """Which rows a chart lacks, and why: sentences."""


Maker = Callable[[int, Row], Point | None]
"""Makes the point of a row that has this number in its layer; None where a figure is missing."""


def layers(rows: Sequence[Row]) -> tuple[Layer, ...]:
    """All layers, in the order in which they first appear in the ranking."""
    names = dict.fromkeys(row.layer for row in rows)
    return tuple(_layer(name, [row for row in rows if row.layer == name]) for name in names)


def family(defence: str) -> str:
    """A defence without its strengths: `clip:rel_norm+gaussian:rel_rms`."""
    return _STRENGTH.sub("", defence)


def _layer(name: str, rows: Sequence[Row]) -> Layer:
    ordered = tuple(sorted(rows, key=lambda row: (row.defence != NONE, -usable(row))))
    panels = (
        _panel("Recovery", "FVE", ordered, _recovery),
        _panel("Linkage", "found first", ordered, _linkage),
    )
    return Layer(name, ordered, tuple(each for each in panels if each.points), _left_out(ordered))


def _panel(title: str, axis: str, rows: Sequence[Row], point: Maker) -> Panel:
    made = [(row, point(count, row)) for count, row in enumerate(rows, 1)]
    found = [(row, each) for row, each in made if each is not None]
    return Panel(title, axis, tuple(each for _, each in found), _curves([row for row, _ in found]))


def _curves(rows: Sequence[Row]) -> tuple[tuple[int, ...], ...]:
    groups: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        groups.setdefault(family(row.defence), []).append(index)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def _recovery(count: int, row: Row) -> Point | None:
    if not isinstance(row.utility, Utility):
        return None
    found, at = row.best.explained, row.utility.value
    value = found.fve.mean
    words = (
        f"{count}, {row.defence}: FVE {score(value.estimate)} ({limits(value)}), by chance "
        f"{number(found.chance_mean)}, at a utility of {percent(at.estimate)} "
        f"({limits_percent(at)})."
    )
    return Point(count, at, value, found.chance_mean, MARKS[row.verdict.recovered], words)


def _linkage(count: int, row: Row) -> Point | None:
    if not isinstance(row.utility, Utility) or not isinstance(row.linkage, Linkage):
        return None
    match, at = row.linkage.match, row.utility.value
    words = (
        f"{count}, {row.defence}: linked in {percent(match.rank1.estimate)} of cases "
        f"({limits_percent(match.rank1)}), by chance in {percent(match.chance1)}, at a utility of "
        f"{percent(at.estimate)} ({limits_percent(at)})."
    )
    mark = MARKS[row.verdict.linkable]
    return Point(count, at, match.rank1, match.chance1, mark, words)


def _left_out(rows: Sequence[Row]) -> tuple[str, ...]:
    found = []
    for row in rows:
        if not isinstance(row.utility, Utility):
            found.append(f"{row.defence} is in no chart: {row.utility.reason}")
        elif not isinstance(row.linkage, Linkage):
            found.append(f"{row.defence} is in no chart of linkage: {row.linkage.reason}")
    return tuple(found)
