"""`preimage doctor`: is everything as it should be, and if not, what is to be done."""

from collections.abc import Iterable, Iterator
from typing import Annotated

import typer

from preimage.cli.checks.finding import Finding, Verdict
from preimage.cli.checks.local import local_findings
from preimage.cli.checks.remote import admin_findings, service_findings, unseen
from preimage.cli.options import (
    DEFAULT_ADMIN_TARGET,
    DEFAULT_TARGET,
    Json,
    Target,
)
from preimage.cli.output import print_json
from preimage.connection import stays_on_this_machine

__all__ = ["doctor"]

_AdminTarget = Annotated[
    str | None,
    typer.Option(
        envvar="PREIMAGE_ADMIN_TARGET",
        metavar="HOST:PORT",
        help="Where its AdminService is. [default: 127.0.0.1:8791, for a service on this machine]",
    ),
]
_MARKS = {Verdict.FINE: "✓", Verdict.NOTE: "·", Verdict.WRONG: "✗"}


def doctor(
    *,
    target: Target = DEFAULT_TARGET,
    admin_target: _AdminTarget = None,
    as_json: Json = False,
) -> None:
    """Look at this machine, the service, its workers and its Redis.

    Exits with 1 when something is wrong; each such line says what to do. An AdminService that does
    not answer is wrong only where it was named: it is kept out of callers' reach.
    """
    findings = [
        *local_findings(),
        *service_findings(target),
        *_admin(target, admin_target),
    ]
    fine = all(finding.verdict is not Verdict.WRONG for finding in findings)
    if as_json:
        print_json({"fine": fine, "findings": list(map(_as_json, findings))})
    else:
        _print(findings)
    if not fine:
        raise typer.Exit(1)


def _admin(target: str, named: str | None) -> Iterator[Finding]:
    if named is not None:
        yield from admin_findings(named)
    elif stays_on_this_machine(target):
        yield from admin_findings(DEFAULT_ADMIN_TARGET, was_named=False)
    else:
        yield unseen("The AdminService was not asked: operators name its address.")


def _print(findings: Iterable[Finding]) -> None:
    for finding in findings:
        advice = f" {finding.advice}" if finding.advice else ""
        typer.echo(f"{_MARKS[finding.verdict]} {finding.subject}: {finding.sentence}{advice}")


def _as_json(finding: Finding) -> dict[str, str]:
    return {
        "subject": finding.subject,
        "verdict": str(finding.verdict),
        "sentence": finding.sentence,
        "advice": finding.advice,
    }
