"""What the dashboards ask Prometheus, with their variables filled in as Grafana does."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, final

from tests.monitor.rules import DEPLOY

DASHBOARDS: Final = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
_BUILT_IN: Final = {"__rate_interval": "1m"}
_VALUES: Final = re.compile(r"label_values\((?P<selector>.+), (?P<label>\w+)\)")


@final
@dataclass(frozen=True)
class Asked:
    """A query of a panel."""

    board: str
    panel: str
    letter: str
    raw: str
    """As it stands in the dashboard."""
    expression: str
    """With variables filled in: every choice stands at "All"."""
    instant: bool

    def __str__(self) -> str:
        return f"{self.board} / {self.panel} / {self.letter}"


@final
@dataclass(frozen=True)
class Choice:
    """A variable of a dashboard, whose values are those of a label."""

    board: str
    name: str
    selector: str
    label: str


def boards() -> dict[str, dict[str, Any]]:
    """The dashboards by slug."""
    return {file.stem: json.loads(file.read_text("utf-8")) for file in DASHBOARDS}


def queries() -> list[Asked]:
    """Every query of every panel."""
    return [each for slug, board in boards().items() for each in _queries(slug, board)]


def choices() -> list[Choice]:
    """Every variable that asks Prometheus for its values."""
    found = []
    for slug, board in boards().items():
        for variable in board["templating"]["list"]:
            if match := _VALUES.fullmatch(str(variable["query"])):
                selector = _filled(match["selector"], board)
                found.append(Choice(slug, variable["name"], selector, match["label"]))
    return found


def _queries(slug: str, board: dict[str, Any]) -> Iterator[Asked]:
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            yield Asked(
                slug,
                panel["title"],
                target["refId"],
                target["expr"],
                _filled(target["expr"], board),
                bool(target.get("instant")),
            )


def _filled(text: str, board: dict[str, Any]) -> str:
    values = _BUILT_IN | {
        variable["name"]: variable["allValue"]
        for variable in board["templating"]["list"]
        if variable["includeAll"]
    }
    return re.sub(r"\$\{?(\w+)\}?", lambda match: values[match[1]], text)
