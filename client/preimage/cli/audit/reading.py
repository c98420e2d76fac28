"""`preimage audit show`, `diff`, `cancel` and `delete`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from preimage.audits.html import COLUMNS, in_digits
from preimage.audits.jobs import Audit
from preimage.audits.report import AuditReport, AuditRow
from preimage.cli.audit.following import AuditBar
from preimage.cli.audit.options import FailIf, Out, read_gates
from preimage.cli.audit.showing import end
from preimage.cli.options import DEFAULT_TARGET, Json, Target
from preimage.cli.output import print_json, print_table, say
from preimage.cli.session import session
from preimage.client import Client
from preimage.errors import NotFound

__all__ = ["cancel", "delete", "diff", "show"]

_ASKED = (
    *("model", "targets", "auxiliary", "profile", "preset"),
    *("rungs", "releases", "seed", "versions"),
)
"""What report.json says of the question: where it is another one, so may be the answer."""

AuditId = Annotated[str, typer.Argument(metavar="ID", help="The server's name for the audit.")]
Reason = Annotated[str, typer.Option(help="Why, for the record: at most 200 characters.")]


def show(
    *,
    source: Annotated[
        str, typer.Argument(metavar="FOLDER|ID", help="A report's folder, or an audit's id.")
    ],
    out: Out = None,
    fail_if: FailIf = None,
    as_json: Json = False,
    target: Target = DEFAULT_TARGET,
) -> None:
    """Show a report: one that was written, or that of an audit, which is waited for.

    Ctrl-C leaves the audit alone.
    """
    gates = read_gates(fail_if)
    if Path(source).exists():
        end(AuditReport.load(source), gates, out, audit_id="", as_json=as_json)
        return
    with session(target) as client:
        audit = _take_up(client, source)
        with AuditBar(f"{audit.info.model} {', '.join(audit.info.layers)}") as bar:
            report = audit.result(on_progress=bar.show)
    end(report, gates, out, audit_id=source, as_json=as_json)


def _take_up(client: Client, source: str) -> Audit:
    try:
        return client.audit_by_id(source)
    except NotFound:
        say(f"There is no folder {source} here.")
        raise


def diff(
    *,
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="A report.json or its folder.")],
    after: Annotated[Path, typer.Argument(metavar="AFTER", help="Another one.")],
    as_json: Json = False,
) -> None:
    """Compare two reports, row by row."""
    reports = [AuditReport.load(path) for path in (before, after)]
    old, new = ({(row.layer, row.defence): row for row in each.rows} for each in reports)
    pairs = [(key, old.get(key), new.get(key)) for key in {**old, **new}]
    first, second = (each.data for each in reports)
    others = [name for name in _ASKED if first.get(name) != second.get(name)]
    if as_json:
        print_json({"rows": [_as_json(key, *rows) for key, *rows in pairs], "differ_in": others})
        return
    if others:
        say(f"The two audits differ in {', '.join(others)}; so figures may, for that reason alone.")
    headings = ("layer", "defence", "verdict", *(f">{heading}" for heading, _ in COLUMNS))
    print_table(headings, ((*key, *_cells(*rows)) for key, *rows in pairs))


def cancel(
    *,
    audit_id: AuditId,
    reason: Reason = "",
    as_json: Json = False,
    target: Target = DEFAULT_TARGET,
) -> None:
    """Cancel an audit, with all of its inversions."""
    with session(target) as client:
        info = client.cancel_audit(audit_id, reason)
    if as_json:
        print_json({"id": info.id, "state": str(info.state)})
    elif info.state.terminal:
        typer.echo(f"{info.id} is {info.state}.")
    else:
        typer.echo(f"{info.id} ends as soon as its auditor hears of it.")


def delete(*, audit_id: AuditId, as_json: Json = False, target: Target = DEFAULT_TARGET) -> None:
    """Delete an audit that has ended: report, pictures and figures."""
    with session(target) as client:
        client.delete_audit(audit_id)
    if as_json:
        print_json({"id": audit_id, "deleted": True})
    else:
        typer.echo(f"{audit_id} is deleted.")


def _cells(old: AuditRow | None, new: AuditRow | None) -> Iterator[str]:
    yield _change(*(row.verdict if row else "–" for row in (old, new)))
    for _, name in COLUMNS:
        yield _change(*(in_digits(row and row.figures[name]) for row in (old, new)))


def _change(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"


def _as_json(key: tuple[str, str], old: AuditRow | None, new: AuditRow | None) -> dict[str, Any]:
    figures = old.figures if old else new.figures if new else {}
    return {
        "layer": key[0],
        "defence": key[1],
        "verdict": [row and row.verdict for row in (old, new)],
        "figures": {
            name: [row and row.figures[name] for row in (old, new)]
            for name in figures
            if (old and old.figures[name]) != (new and new.figures[name])
        },
    }
