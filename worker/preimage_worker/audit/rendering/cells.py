"""The figures of a row that stand in the ranking."""

from dataclasses import dataclass
from typing import Final, final

from preimage_worker.audit.measures.recovery import Missing
from preimage_worker.audit.records import Bounds, Linkage, Row, Utility
from preimage_worker.audit.rendering import ladder
from preimage_worker.audit.rendering.figures import (
    decibels,
    limits,
    limits_db,
    limits_percent,
    number,
    percent,
    score,
)
from preimage_worker.audit.rendering.ladder import Found

SAYS_NOTHING: Final = "says nothing"
COLUMNS: Final = (
    "FVE",
    "PSNR",
    "SSIM",
    "re-identified, pixels",
    "re-identified, other model",
    "linked",
    "utility",
    "bound on MSE",
)


@final
@dataclass(frozen=True)
class Cell:
    """A figure, what stands small beneath it, or why there is none."""

    figure: str
    details: tuple[str, ...] = ()
    """Lines."""
    missing: str = ""


def cells(row: Row) -> tuple[Cell, ...]:
    """In the order of `COLUMNS`."""
    explained, psnr = row.best.explained, row.best.psnr_db.mean
    over = f"{score(explained.over_chance.estimate)} over chance"
    return (
        Cell(score(explained.fve.mean.estimate), (limits(explained.fve.mean), over)),
        Cell(decibels(psnr.estimate), (limits_db(psnr),)),
        _ssim(row),
        _matched(ladder.strongest(row, independent=False)),
        _matched(ladder.strongest(row, independent=True)),
        _linked(row),
        _usable(row.utility),
        _bound(row.bounds),
    )


def _ssim(row: Row) -> Cell:
    found = row.best.ssim
    if isinstance(found, Missing):
        return Cell("", missing=found.reason)
    return Cell(score(found.mean.estimate), (limits(found.mean),))


def _matched(found: Found) -> Cell:
    """A rate of the right candidate in first place."""
    if isinstance(found.match, Missing):
        return Cell("", missing=found.match.reason)
    rank1 = found.match.rank1
    by = (f"by {found.rung}",) if found.rung != "L1" else ()
    details = (limits_percent(rank1), f"chance {percent(found.match.chance1)}", *by)
    return Cell(percent(rank1.estimate), details)


def _linked(row: Row) -> Cell:
    linkage = row.linkage
    match = linkage.match if isinstance(linkage, Linkage) else linkage
    return _matched(Found("L1", "", match))


def _usable(utility: Utility | Missing) -> Cell:
    """The utility of a row."""
    if isinstance(utility, Missing):
        return Cell("", missing=utility.reason)
    chance = () if utility.chance is None else (f"chance {percent(utility.chance)}",)
    return Cell(percent(utility.value.estimate), (limits_percent(utility.value), *chance))


def _bound(bounds: Bounds | Missing) -> Cell:
    """What noise promises."""
    if isinstance(bounds, Missing):
        return Cell("", missing=bounds.reason)
    if not bounds.informative:
        return Cell(SAYS_NOTHING)
    return Cell(
        f"≥ {number(bounds.van_trees_mse)}", (f"mean picture {number(bounds.mean_picture_mse)}",)
    )
