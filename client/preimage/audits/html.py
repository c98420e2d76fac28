"""How a report looks in a notebook: its page in a frame, or a table of its verdicts."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from preimage.audits.report import AuditReport, AuditRow

COLUMNS = (
    ("FVE", "fve"),
    ("by chance", "fve.chance"),
    ("worst decile", "fve.p90"),
    ("linkage", "linkage.rank1"),
    ("utility", "utility"),
)
"""What a short table shows, by the names of figures."""


def report_as_html(report: AuditReport) -> str:
    """Renders the whole page in a frame that can run nothing; without a page, a table."""
    if report.html:
        return (
            "<iframe title='Audit report' sandbox='' style='width:100%;height:80vh;border:0' "
            f'srcdoc="{escape(report.html)}"></iframe>'
        )
    headings = ("layer", "defence", "verdict", *(heading for heading, _ in COLUMNS))
    head = "".join(f"<th style='text-align:left'>{escape(each)}</th>" for each in headings)
    body = "".join(f"<tr>{_cells(row)}</tr>" for row in report.rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cells(row: AuditRow) -> str:
    numbers = (in_digits(row.figures.get(name)) for _, name in COLUMNS)
    cells = (row.layer, row.defence, row.verdict, *numbers)
    return "".join(f"<td style='text-align:left'>{escape(each)}</td>" for each in cells)


def in_digits(value: float | None) -> str:
    """A figure for people; a dash where there is none."""
    return "–" if value is None else f"{value:.3f}"
