"""`preimage doctor`: is everything as it should be, and if not, what is to be done."""

from collections.abc import Iterable

import typer

from preimage.cli.checks.finding import Finding, Verdict
from preimage.cli.checks.local import local_findings
from preimage.cli.checks.remote import admin_findings, service_findings
from preimage.cli.options import (
    DEFAULT_ADMIN_TARGET,
    DEFAULT_TARGET,
    AdminTarget,
    Json,
    Target,
)
from preimage.cli.output import print_json

__all__ = ["doctor"]

_MARKS = {Verdict.FINE: "✓", Verdict.NOTE: "·", Verdict.WRONG: "✗"}


def doctor(
    *,
    target: Target = DEFAULT_TARGET,
    admin_target: AdminTarget = DEFAULT_ADMIN_TARGET,
    as_json: Json = False,
) -> None:
    """Look at this machine, the service, its workers and its Redis.

    Exits with 1 when something is wrong; each such line says what to do.
    """
    findings = [
        *local_findings(),
        *service_findings(target),
        *admin_findings(admin_target),
    ]
    fine = all(finding.verdict is not Verdict.WRONG for finding in findings)
    if as_json:
        print_json({"fine": fine, "findings": list(map(_as_json, findings))})
    else:
        _print(findings)
    if not fine:
        raise typer.Exit(1)


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
