"""The cells that `passes` has measured: as a file, and as the table that is printed."""

import json
import statistics
from collections.abc import Sequence
from pathlib import Path

from benchmarks import acceptance
from benchmarks.acceptance import Cell
from benchmarks.measure import table
from benchmarks.pictures import Picture


def read(file: Path) -> list[Cell]:
    """The cells of a file; none where there is no such file."""
    if not file.exists():
        return []
    cells: list[Cell] = json.loads(file.read_text("utf-8"))
    return cells


def write(file: Path, cells: Sequence[Cell]) -> None:
    """Never half a file: a run may be stopped at any time."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f"{file.name}.part")
    beside.write_text(json.dumps(cells, indent=1, ensure_ascii=False) + "\n", "utf-8")
    beside.replace(file)


def with_cell(cells: Sequence[Cell], new: Cell) -> list[Cell]:
    """The cells and a new one, in place of the one of the same picture, layer and presets."""
    return [*(cell for cell in cells if _key(cell) != _key(new)), new]


def missing(
    cells: Sequence[Cell],
    layer: str,
    pictures: Sequence[Picture],
    reference: str,
    tested: Sequence[str],
) -> list[Picture]:
    """The pictures of which the layer has no cell for some preset."""
    have = {_key(cell) for cell in cells}
    return [
        picture
        for picture in pictures
        if any((layer, picture.name, reference, preset) not in have for preset in tested)
    ]


def _key(cell: Cell) -> tuple[str, ...]:
    return cell["layer"], cell["picture"], cell["reference_preset"], cell["preset"]


def line(cell: Cell) -> str:
    """What is said of a cell when it is done."""
    close = acceptance.spell(cell["passes_to_within_5_percent"])
    return f"{acceptance.name(cell)}, {cell['preset']}: passes to within 5 %: {close}"


def summary(cells: Sequence[Cell], last: str) -> dict[str, object]:
    """One row: a layer and a preset; medians, and the worst cell behind the slash."""
    ratios = [cell["objective_at"][last] / cell["recipe_objective"] for cell in cells]
    return {
        "layer": cells[0]["layer"],
        "preset": cells[0]["preset"],
        "cells": len(cells),
        "to within 5 %": acceptance.spread(_passes(cells, "passes_to_within_5_percent")),
        "to reach": acceptance.spread(_passes(cells, "passes_to_reach")),
        f"objective at {last}": f"{statistics.median(ratios):.3f} / {max(ratios):.3f}",
        "cells above": sum(bool(acceptance.above(cell)) for cell in cells),
        "PSNR gain dB": f"{statistics.median(_gains(cells)):+.2f} / {min(_gains(cells)):+.2f}",
    }


def _passes(cells: Sequence[Cell], key: str) -> list[float]:
    return [acceptance.passes(cell[key]) for cell in cells]


def _gains(cells: Sequence[Cell]) -> list[float]:
    return [cell["psnr_db"] - cell["recipe_psnr_db"] for cell in cells]


def report(cells: Sequence[Cell], last: str) -> str:
    """The table, and the verdict on each preset.

    Args:
        cells: at least one.
        last: the last pass at which objectives are compared, as the cells write it.
    """
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell["preset"], cell["layer"]), []).append(cell)
    rows = [summary(group, last) for group in groups.values()]
    parts = [table(list(rows[0]), [list(row.values()) for row in rows])]
    for preset in dict.fromkeys(cell["preset"] for cell in cells):
        of_preset = [cell for cell in cells if cell["preset"] == preset]
        verdicts = "\n".join(map(str, acceptance.judge(of_preset)))
        parts.append(f"{preset}, {len(of_preset)} cells\n{verdicts}")
    return "\n\n".join(parts)
