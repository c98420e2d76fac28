"""A report as its documents show it: the same values for the page and for Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from preimage_worker.audit.records import AttackReport, AuditReport, Row
from preimage_worker.audit.rendering import answers, ladder
from preimage_worker.audit.rendering.cells import Cell, cells
from preimage_worker.audit.rendering.chart import Chart, draw
from preimage_worker.audit.rendering.figures import (
    counted,
    limits,
    number,
    score,
)
from preimage_worker.audit.rendering.ladder import Found, Step
from preimage_worker.audit.rendering.tradeoffs import Layer, layers
from preimage_worker.audit.rendering.words import KINDS, SIGNS, besides
from preimage_worker.audit.run import cell_name


@final
@dataclass(frozen=True)
class RowView:
    """A row of the ranking, with everything beneath it."""

    rank: int
    row: Row
    kind: str
    sign: str
    besides: str
    """What the label leaves out of the other question."""
    name: str
    """Of its cell."""
    cells: tuple[Cell, ...]
    """In the order of `COLUMNS`."""
    steps: tuple[Step, ...]
    matches: tuple[Found, ...]


@final
@dataclass(frozen=True)
class LayerView:
    """A layer's trade-offs."""

    layer: Layer
    sentences: tuple[str, ...]
    charts: tuple[Chart, ...]
    rows: tuple[RowView, ...]


@final
@dataclass(frozen=True)
class Beside:
    """Feature error of an attack beside what the same attack recovered."""

    view: RowView
    attack: AttackReport
    recovered: Cell


@final
@dataclass(frozen=True)
class View:
    """A report."""

    report: AuditReport
    brief: tuple[str, ...]
    rows: tuple[RowView, ...]
    layers: tuple[LayerView, ...]
    beside: tuple[Beside, ...]
    counterexample: str


def view(report: AuditReport) -> View:
    """Everything that documents say of a report."""
    rows = tuple(_row(report, rank, row) for rank, row in enumerate(report.rows, 1))
    by_row = {(each.row.layer, each.row.defence): each for each in rows}
    beside = tuple(_beside(rows))
    return View(
        report=report,
        brief=answers.in_brief(report),
        rows=rows,
        layers=tuple(
            LayerView(
                layer,
                answers.of_layer(layer.rows),
                tuple(draw(panel) for panel in layer.panels),
                tuple(by_row[row.layer, row.defence] for row in layer.rows),
            )
            for layer in layers(report.rows)
        ),
        beside=beside,
        counterexample=_counterexample(beside),
    )


def _row(report: AuditReport, rank: int, row: Row) -> RowView:
    return RowView(
        rank=rank,
        row=row,
        kind=KINDS[row.verdict.finding],
        sign=SIGNS[row.verdict.finding],
        besides=besides(row.verdict),
        name=cell_name(row.layer, row.defence),
        cells=cells(row),
        steps=ladder.steps(row, report.rungs),
        matches=ladder.matches(row),
    )


def _beside(rows: Sequence[RowView]) -> list[Beside]:
    found = []
    for each in rows:
        reports = {report.name: report for report in each.row.rungs}
        for attack in each.row.attacks:
            report = reports.get(attack.rung, each.row.best)
            fve = report.explained.fve.mean
            found.append(Beside(each, attack, Cell(score(fve.estimate), (limits(fve),))))
    return found


def _counterexample(beside: Sequence[Beside]) -> str:
    """Where the order by feature error is not the order by recovery."""
    known = [(one.attack.end_error, one) for one in beside if one.attack.end_error is not None]
    if not known:
        return ""
    (least, nearest), (error, most) = (
        min(known, key=lambda pair: pair[0]),
        max(known, key=lambda pair: float(pair[1].recovered.figure)),
    )
    if float(nearest.recovered.figure) >= float(most.recovered.figure):
        return ""
    return (
        f"In this report the smallest error, {number(least)} with "
        f"{answers.named(nearest.view.row)}, goes with an FVE of {nearest.recovered.figure}; the "
        f"highest FVE, {most.recovered.figure} with {answers.named(most.view.row)}, has an error "
        f"of {number(error)}."
    )


def why_doubted(view: View) -> tuple[tuple[str, str], ...]:
    """Complaints about attacks, each with the rows that it is about."""
    rows: dict[str, list[str]] = {}
    for each in view.rows:
        for attack in each.row.attacks:
            for complaint in attack.complaints:
                rows.setdefault(complaint, []).append(f"row {each.rank} ({attack.rung})")
    return tuple((complaint, ", ".join(where)) for complaint, where in rows.items())


def pictures(report: AuditReport) -> str:
    """What the figures are of, in a line."""
    facts = report.targets
    return (
        f"{counted(facts.count, 'picture')} of {facts.height} × {facts.width} pixels, "
        f"{counted(report.auxiliary.count, 'other')} for attackers"
    )


def combinations(view: View) -> str:
    """How many rows there are."""
    return counted(len(view.rows), "combination")
