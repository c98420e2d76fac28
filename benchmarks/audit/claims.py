"""What is asked of the audit, and whether it holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from preimage_worker.audit.measures.intervals import Interval
from preimage_worker.audit.records import Row, RungReport

Line = dict[str, object]
"""Of a table."""


@final
@dataclass(frozen=True)
class Claim:
    """One of the things that are asked."""

    what: str
    holds: bool
    figures: str
    """That it is told by."""


@final
@dataclass(frozen=True)
class Part:
    """What a part of the benchmark found."""

    lines: Sequence[Line]
    claims: Sequence[Claim]


def rung(row: Row, name: str) -> RungReport:
    """One attacker's figures; those of the best for each picture under the name "best"."""
    return row.best if name == "best" else next(each for each in row.rungs if each.name == name)


def fve(row: Row, name: str) -> Interval:
    """Mean FVE of an attacker."""
    return rung(row, name).explained.fve.mean


def psnr(row: Row, name: str) -> float:
    """Mean PSNR of an attacker, in dB."""
    return rung(row, name).psnr_db.mean.estimate


def limits(interval: Interval) -> str:
    """With its estimate: "0.52 (0.41 to 0.63)"."""
    return f"{interval.estimate:.3g} ({interval.lower:.3g} to {interval.upper:.3g})"
