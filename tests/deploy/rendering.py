"""Renders the chart by Helm's own engine: `python -m tests.deploy.rendering`, values by stdin.

In a process of its own, for the engine is a Go program with signal handlers and threads.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from tests.deploy.compose import ROOT

CHART: Final = ROOT / "deploy/helm/preimage"
NEEDED: Final[Mapping[str, Any]] = {
    "redis": {
        "url": "redis://preimage@redis.data:6379/0",
        "passwordSecret": {"name": "preimage-redis"},
    },
    "access": {"tokensSecret": "preimage-tokens", "allowPlaintextTokens": True},
    "networkPolicy": {"redis": {"to": [{"namespaceSelector": {"matchLabels": {"name": "data"}}}]}},
}
"""Values that have no sensible default."""

Documents = dict[tuple[str, str], dict[str, Any]]


class ChartError(Exception):
    """Helm refuses; its own words."""


def over(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Values with later ones over earlier ones, as Helm puts them."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            below = merged.get(key)
            nested = isinstance(value, Mapping) and isinstance(below, dict)
            merged[key] = over(below, value) if nested else value
    return merged


def render(*values: Mapping[str, Any], chart: Path = CHART) -> Documents:
    """The manifests with these values over the needed ones, by kind and name.

    Raises:
        ChartError: the values do not fit their schema, or a template refuses them.
    """
    answer = _helm({"action": "render", "chart": str(chart), "values": over(NEEDED, *values)})
    documents = [
        document for text in answer.values() for document in yaml.safe_load_all(text) if document
    ]
    found = {(document["kind"], document["metadata"]["name"]): document for document in documents}
    assert len(found) == len(documents), "two documents have one kind and name"
    return found


def lint() -> list[dict[str, Any]]:
    """What Helm's linter finds."""
    messages: list[dict[str, Any]] = _helm(
        {"action": "lint", "chart": str(CHART), "values": NEEDED}
    )["messages"]
    return messages


def _helm(request: Mapping[str, Any]) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.deploy.rendering"]
    ended = subprocess.run(
        command, input=json.dumps(request), cwd=ROOT, check=False, capture_output=True, text=True
    )
    if ended.returncode != 0:
        raise ChartError(ended.stderr)
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


def _main() -> None:
    import helm_python  # noqa: PLC0415 - not in the process of the tests

    request = json.load(sys.stdin)
    values = request["values"]
    try:
        if request["action"] == "lint":
            answer = helm_python.lint(request["chart"], values, strict=True)
        else:
            with helm_python.Chart.load(request["chart"]) as chart:
                chart.validate_schema(values)
                answer = chart.render(values, name="pre", namespace="preimage")
                answer.pop("preimage/templates/NOTES.txt")
    except helm_python.HelmError as error:
        sys.exit(str(error))
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    _main()
