"""What is asked of a solver that shall replace a recipe, and which cells miss it.

A cell is one picture inverted from one layer by the recipe and by the solver, see `passes`. A pass
is a forward and backward pass through the representation.
"""

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

MEDIAN_PASSES = 60
WORST_PASSES = 175

Cell = Mapping[str, Any]


@final
@dataclass(frozen=True)
class Verdict:
    """One criterion."""

    criterion: str
    met: bool
    measured: str
    """What was found."""
    misses: tuple[str, ...]
    """Each cell that misses it; empty where it is about the median alone."""

    def __str__(self) -> str:
        """One line, and one for each miss."""
        first = f"{'met' if self.met else 'MISSED'}: {self.criterion}: {self.measured}"
        return "\n".join([first, *(f"    {miss}" for miss in self.misses)])


def judge(cells: Sequence[Cell]) -> list[Verdict]:
    """All criteria, for the cells of one preset; at least one cell."""
    within = [passes(cell["passes_to_within_5_percent"]) for cell in cells]
    median = statistics.median(within)
    gain = statistics.median(cell["psnr_db"] - cell["recipe_psnr_db"] for cell in cells)
    return [
        Verdict(
            f"within 5 % of the recipe's objective in at most {MEDIAN_PASSES} passes in the median",
            median <= MEDIAN_PASSES,
            spell(median),
            (),
        ),
        _every(
            f"and in at most {WORST_PASSES} in every cell",
            cells,
            lambda cell: _slow(cell["passes_to_within_5_percent"]),
        ),
        _every("at or below the recipe's objective by its last pass", cells, _behind),
        _every("never above the recipe at equal passes", cells, _above),
        Verdict("PSNR no lower in the median", gain >= 0, f"{gain:+.2f} dB", ()),
    ]


def passes(number: float | None) -> float:
    """A number of passes; infinity where there is none."""
    return math.inf if number is None else number


def above(cell: Cell) -> list[str]:
    """The milestones at which the solver is above the recipe, as they are written in the cell."""
    recipe = cell["recipe_objective_at"]
    return [at for at, value in cell["objective_at"].items() if not value <= recipe[at]]


def _every(criterion: str, cells: Sequence[Cell], fault: Callable[[Cell], str]) -> Verdict:
    faults = [(cell, fault(cell)) for cell in cells]
    misses = [f"{name(cell)}: {words}" for cell, words in faults if words]
    measured = f"{len(cells) - len(misses)} of {len(cells)} cells"
    return Verdict(criterion, not misses, measured, tuple(misses))


def name(cell: Cell) -> str:
    """How a cell is called in the output."""
    return f"{cell['representation']} {cell['layer']} {cell['picture']}"


def _slow(number: int | None) -> str:
    return spell(number) if passes(number) > WORST_PASSES else ""


def _behind(cell: Cell) -> str:
    if cell["passes_to_reach"] is not None:
        return ""
    last = list(cell["objective_at"].values())[-1]
    return _over(last, cell["recipe_objective"])


def _above(cell: Cell) -> str:
    return ", ".join(_at(cell, at) for at in above(cell))


def _at(cell: Cell, at: str) -> str:
    return f"{_over(cell['objective_at'][at], cell['recipe_objective_at'][at])} at {at}"


def _over(ours: float, theirs: float) -> str:
    return f"{ours:.4g} is {100 * (ours / theirs - 1):.2g} % above {theirs:.4g}"


def spell(number: float | None) -> str:
    """A number of passes, or "never"."""
    number = passes(number)
    return "never" if number == math.inf else f"{number:g}"


def spread(numbers: Iterable[float]) -> str:
    """Median and largest, "31 / 120"."""
    values = sorted(numbers)
    return f"{spell(statistics.median(values))} / {spell(values[-1])}"
