"""The rule files: what they record and raise, and copies of them that have less patience."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, final

import promql_parser
import yaml

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
RULES: Final[Sequence[Path]] = sorted((DEPLOY / "prometheus" / "rules").glob("*.yml"))


@final
@dataclass(frozen=True)
class Rule:
    """A rule of a file."""

    name: str
    expression: str
    alerts: bool
    patience: timedelta
    """How long an alert's expression must hold."""
    severity: str
    annotations: dict[str, str]


def rules(files: Sequence[Path] = RULES) -> list[Rule]:
    """All of them."""
    return [_rule(each) for file in files for _, each in _each(_load(file))]


def hastened(folder: Path, factor: float) -> list[Path]:
    """Copies that wait so many times less before they alert, and are evaluated all the time."""
    copies = []
    for file in RULES:
        content = _load(file)
        for group, rule in _each(content):
            group.pop("interval", None)
            if "for" in rule:
                patience = promql_parser.parse_duration(rule["for"]) / factor
                rule["for"] = f"{round(patience.total_seconds() * 1000)}ms"
        copy = folder / file.name
        copy.write_text(yaml.safe_dump(content), "utf-8")
        copies.append(copy)
    return copies


def _load(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    return content


def _each(content: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for group in content["groups"]:
        for rule in group["rules"]:
            yield group, rule


def _rule(raw: dict[str, Any]) -> Rule:
    return Rule(
        name=raw.get("alert") or raw["record"],
        expression=raw["expr"],
        alerts="alert" in raw,
        patience=promql_parser.parse_duration(raw["for"]) if "for" in raw else timedelta(0),
        severity=raw.get("labels", {}).get("severity", ""),
        annotations=raw.get("annotations", {}),
    )
