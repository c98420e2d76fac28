"""A report in the terminal: a table of its rows, the reasons, the gates."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from preimage.audits.html import COLUMNS, in_digits
from preimage.audits.report import AuditReport, AuditRow
from preimage.cli.audit.gates import Gate, GateResult, Status, status_of, try_gates
from preimage.cli.output import print_json, print_table, say

__all__ = ["end", "print_rows"]


def end(
    report: AuditReport, gates: Sequence[Gate], out: Path | None, *, audit_id: str, as_json: bool
) -> None:
    """Writes the report, prints it, and ends with the exit code of the gates.

    Raises:
      typer.Exit: a gate failed, or is open.
    """
    if out is not None:
        report.save(out)
    results = try_gates(report, gates)
    status = status_of(results)
    if as_json:
        print_json(_as_json(report, results, out, audit_id))
    else:
        _print(report, results, out)
    if status is not Status.MET:
        raise typer.Exit(int(status))


def print_rows(report: AuditReport) -> None:
    """Prints a line for each row."""
    headings = ("layer", "defence", "verdict", *(f">{heading}" for heading, _ in COLUMNS))
    print_table(headings, (_line(row) for row in report.rows))


def _print(report: AuditReport, results: Sequence[GateResult], out: Path | None) -> None:
    print_rows(report)
    for row in report.rows:
        typer.echo("")
        typer.echo(_plain(f"{row.layer} with {row.defence}: {row.verdict}"))
        for reason in row.reasons:
            typer.echo(_plain(f"  {reason}"))
    for sentence in report.left_out:
        say(sentence)
    for result in results:
        say(result.sentence)
    if out is not None:
        page = f": open {out / 'report.html'}" if report.html else ""
        say(f"The report is in {out}{page}.")


def _line(row: AuditRow) -> tuple[str, ...]:
    numbers = (in_digits(row.figures[name]) for _, name in COLUMNS)
    return (row.layer, row.defence, row.verdict, *numbers)


def _plain(text: str) -> str:
    """Words of a report must not steer the terminal."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def _as_json(
    report: AuditReport, results: Sequence[GateResult], out: Path | None, audit_id: str
) -> dict[str, Any]:
    return {
        "id": audit_id or None,
        "out": out and str(out),
        "rows": [
            {
                "layer": row.layer,
                "defence": row.defence,
                "verdict": row.verdict,
                "recovered": row.recovered,
                "linkable": row.linkable,
                "reasons": list(row.reasons),
                "figures": dict(row.figures),
            }
            for row in report.rows
        ],
        "left_out": list(report.left_out),
        "gates": [
            {
                "gate": str(each.gate),
                "state": each.state.value,
                "layer": each.row and each.row.layer,
                "defence": each.row and each.row.defence,
                "value": each.row and each.row.figures[each.gate.name],
            }
            for each in results
        ],
    }
