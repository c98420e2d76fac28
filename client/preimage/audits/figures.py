"""The figures of a row by names: what gates ask for and tables show.

A name is a path in words: "fve.p90", "linkage.rank1.lower". A figure with an interval has it under
".lower" and ".upper"; a summary of pictures is its mean unless ".median", or its worst decile, is
named. What was not measured is None.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Figures = dict[str, float | None]

_Places = tuple[tuple[str, tuple[str, ...]], ...]

_SUMMARIES = (("mse", "p10"), ("psnr_db", "p90"), ("ssim", "p90"), ("lpips", "p10"))
"""Names in a rung, and what the decile is called in which most was recovered."""
_MATCHED = ("A1", "A3", "A4")
"""Rungs whose re-identification counts in verdicts: the best for each picture has none."""
_RATES: _Places = (
    ("class_agreement", ("best", "class_agreement")),
    ("utility", ("utility", "value")),
)
_NUMBERS: _Places = (
    ("fve.chance", ("best", "explained", "chance_mean")),
    ("fve.chance_p90", ("best", "explained", "chance_worst_decile")),
    ("linkage.relative_noise", ("linkage", "relative_noise")),
    ("utility.chance", ("utility", "chance")),
    ("gaussian_dp", ("gaussian_dp",)),
    ("dfil", ("bounds", "dfil")),
    ("unbiased_mse", ("bounds", "unbiased_mse")),
    ("van_trees_mse", ("bounds", "van_trees_mse")),
)


def figures_of(row: Mapping[str, Any]) -> Figures:
    """Reads all figures of a row of report.json."""
    return dict(_figures(row))


def _figures(row: Mapping[str, Any]) -> Iterator[tuple[str, float | None]]:
    yield from _summary("fve", _at(row, ("best", "explained", "fve")), "p90")
    yield from _interval("fve.over_chance", _at(row, ("best", "explained", "over_chance")))
    for name, decile in _SUMMARIES:
        yield from _summary(name, _at(row, ("best", name)), decile)
    yield from _match("reid_pixels", _strongest(row, "pixels"))
    yield from _match("reid_independent", _strongest(row, "independent"))
    yield from _match("linkage", _at(row, ("linkage", "match")))
    for name, place in _RATES:
        yield from _interval(name, _at(row, place))
    for name, place in _NUMBERS:
        yield name, _number(_at(row, place))


def _summary(name: str, summary: object, decile: str) -> Iterator[tuple[str, float | None]]:
    yield from _interval(name, _at(summary, ("mean",)))
    for part, key in (("mean", "mean"), ("median", "median"), (decile, "worst_decile")):
        yield from _interval(f"{name}.{part}", _at(summary, (key,)))


def _strongest(row: Mapping[str, Any], eyes: str) -> object:
    """The re-identification of the attack that succeeded most often."""
    attacks = (each for each in row.get("rungs", ()) if each["name"].startswith(_MATCHED))
    return max((_at(each, (eyes,)) for each in attacks), key=_rank1, default=None)


def _rank1(match: object) -> float:
    found = _number(_at(match, ("rank1", "estimate")))
    return -1.0 if found is None else found


def _match(name: str, match: object) -> Iterator[tuple[str, float | None]]:
    for part in ("rank1", "rank5", "reciprocal_rank"):
        yield from _interval(f"{name}.{part}", _at(match, (part,)))
    yield f"{name}.median_rank", _number(_at(match, ("median_rank",)))
    for part in ("chance1", "chance5"):
        yield f"{name}.{part}", _number(_at(match, (part,)))


def _interval(name: str, interval: object) -> Iterator[tuple[str, float | None]]:
    yield name, _number(_at(interval, ("estimate",)))
    for part in ("lower", "upper"):
        yield f"{name}.{part}", _number(_at(interval, (part,)))


def _at(value: object, place: tuple[str, ...]) -> object:
    """What stands at a place; None where there is nothing, or a reason in its stead."""
    for key in place:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
