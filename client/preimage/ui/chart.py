"""The loss curve as options of ECharts, and where its points come from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from preimage.events import Progress
    from preimage.measures import LossCurve

__all__ = ["chart_options", "curve_points", "progress_point"]

_GREY = "#808890"
"""Legible on white and on near-black."""
_COLOURS = ("#0d9488", "#c2620c")

Point = tuple[int, float, float]
"""Step, objective, relative error or activation."""


def progress_point(progress: Progress) -> Point:
    """The point of a running job."""
    measured = progress.relative_error if progress.activation is None else progress.activation
    return progress.step, progress.objective, measured


def curve_points(curve: LossCurve) -> list[Point]:
    """The points of a job that has ended."""
    measured = curve.relative_error if len(curve.relative_error) else curve.activation
    if len(measured) != len(curve.steps):
        return []
    columns = (curve.steps.tolist(), curve.objective.tolist(), measured.tolist())
    return list(zip(*columns, strict=True))


def chart_options(
    points: Iterable[Point], measured: str = "relative error", total_steps: int | None = None
) -> dict[str, Any]:
    """A curve each for the objective and what is measured, over steps, on logarithmic axes."""
    known = list(points)
    names = ("objective", measured)
    return {
        "animation": False,
        "aria": {"enabled": True, "label": {"description": _description(known, measured)}},
        "color": list(_COLOURS),
        "grid": {"left": 8, "right": 8, "top": 40, "bottom": 28, "containLabel": True},
        "legend": {"top": 0, "textStyle": {"color": _GREY}, "icon": "roundRect"},
        "tooltip": {"trigger": "axis"},
        "xAxis": {
            "type": "value",
            "name": "step",
            "max": total_steps,
            "nameLocation": "middle",
            "nameGap": 24,
            **_axis(),
        },
        "yAxis": [{"type": "log", **_axis(split=axis == 0)} for axis in range(2)],
        "series": [
            {
                "type": "line",
                "name": name,
                "yAxisIndex": axis,
                "showSymbol": len(known) == 1,
                "data": [
                    [point[0], point[axis + 1]] for point in known if _is_drawn(point[axis + 1])
                ],
            }
            for axis, name in enumerate(names)
        ],
    }


def _axis(*, split: bool = False) -> dict[str, Any]:
    return {
        "axisLabel": {"color": _GREY, "hideOverlap": True},
        "axisLine": {"lineStyle": {"color": _GREY}},
        "nameTextStyle": {"color": _GREY},
        "splitLine": {"show": split, "lineStyle": {"color": _GREY, "opacity": 0.25}},
    }


def _is_drawn(value: float) -> bool:
    return 0 < value < math.inf  # a logarithm has nothing to show for others


def _description(points: list[Point], measured: str) -> str:
    if not points:
        return "Loss curve; there are no points yet."
    (first, _, begin), (last, objective, end) = points[0], points[-1]
    return (
        f"Loss curve from step {first} to step {last}: {measured} from {begin:.3g} to {end:.3g}, "
        f"objective now {objective:.3g}."
    )
