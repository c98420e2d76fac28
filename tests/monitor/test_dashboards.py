"""The dashboards: generated, readable, complete, and about what exists."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.monitor.asked import DASHBOARDS, Asked, boards, choices, queries
from tests.monitor.exported import exported
from tests.monitor.expressions import selected
from tests.monitor.rules import DEPLOY, rules
from tests.monitor.test_rules import EVERYWHERE

_PARTS = ("_sum", "_count")
PROCESS = {
    f"process_{name}"
    for name in ("cpu_seconds_total", "resident_memory_bytes", "open_fds", "max_fds")
}
UNITS = {
    *("short", "s", "bytes", "Bps", "percentunit", "bool_yes_no"),
    *("reqps", "cps", "cpm", "ops"),
}
"""Of Grafana's units, those that are used; a name that it does not know would be shown as text."""


def panels() -> list[tuple[str, dict[str, Any]]]:
    return [
        (slug, panel)
        for slug, board in boards().items()
        for panel in board["panels"]
        if panel["type"] != "row"
    ]


def drawn() -> list[Any]:
    """Panels that show numbers."""
    return [
        pytest.param(panel, id=f"{slug}-{panel['id']}")
        for slug, panel in panels()
        if panel["type"] != "text"
    ]


def lost(before: object, after: object, place: str = "") -> list[str]:
    """Places of what is not there any more, or is something else."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            each for key in before for each in lost(before[key], after.get(key), f"{place}/{key}")
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [each for number, pair in pairs for each in lost(*pair, f"{place}/{number}")]
    return [] if before == after else [place]


def test_the_committed_dashboards_are_what_the_sources_make(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "deploy.grafana.source", "--out", tmp_path]
    subprocess.run(command, check=True, cwd=DEPLOY.parent)
    assert {file.name for file in tmp_path.iterdir()} == {file.name for file in DASHBOARDS}
    for file in DASHBOARDS:
        assert (tmp_path / file.name).read_bytes() == file.read_bytes(), file.name


@pytest.mark.parametrize("slug", sorted(boards()))
def test_grafanas_own_types_read_them_without_losing_anything(slug: str) -> None:
    register_default_plugins()
    board = boards()[slug]
    again = json.loads(JSONEncoder().encode(Dashboard.from_json(board)))
    assert lost(board, again) == []


def test_names_and_numbers_are_unique() -> None:
    assert len({board["uid"] for board in boards().values()}) == len(boards())
    for board in boards().values():
        numbers = [panel["id"] for panel in board["panels"]]
        assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("panel", drawn())
def test_every_panel_has_a_unit_a_sentence_and_queries_with_names(panel: dict[str, Any]) -> None:
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert panel["description"].endswith(".")
    assert panel["targets"]
    assert all(target["legendFormat"] for target in panel["targets"])


def test_panels_lie_beside_each_other_and_fill_the_width() -> None:
    for slug, panel in panels():
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, (slug, panel["title"])
        assert place["w"] >= 3


def test_links_lead_to_the_page_that_they_name() -> None:
    pages = {panel["id"]: panel["title"] for panel in boards()["runbook"]["panels"]}
    linked = set()
    for _, panel in panels():
        for link in panel.get("links", ()):
            path, _, number = link["url"].partition("?viewPanel=")
            assert path == f"/d/{boards()['runbook']['uid']}"
            assert link["title"] == f"Runbook: {pages[int(number)]}"
            linked.add(pages[int(number)])
    assert linked == {rule.name for rule in rules() if rule.alerts}


@pytest.mark.parametrize("asked", queries(), ids=str)
def test_panels_name_only_series_and_labels_that_exist(asked: Asked) -> None:
    known, recorded = exported(), {rule.name for rule in rules() if not rule.alerts}
    for each in selected(asked.expression):
        if each.metric in known:
            assert each.labels <= known[each.metric] | EVERYWHERE
        else:
            assert each.metric in recorded | PROCESS


def test_every_variable_is_used_by_its_dashboard() -> None:
    texts = {slug: str(board["panels"]) for slug, board in boards().items()}
    assert choices()
    assert [each for each in choices() if f"${each.name}" not in texts[each.board]] == []


def test_every_metric_of_ours_is_watched_by_some_panel_or_rule() -> None:
    asked = [each.expression for each in queries()] + [rule.expression for rule in rules()]
    watched = {each.metric for text in asked for each in selected(text)}
    of_histograms = {f"{name.removesuffix('_bucket')}{end}" for name in watched for end in _PARTS}
    unwatched = set(exported()) - watched - of_histograms
    assert unwatched == set()


def test_grafana_finds_prometheus_and_the_dashboards_where_they_are_put() -> None:
    provisioning = DEPLOY / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())[
        "datasources"
    ]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    assert source["jsonData"]["timeInterval"] == config["global"]["scrape_interval"]
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "preimage.yml").read_text())[
        "providers"
    ]
    assert provider["options"]["path"] == "/etc/grafana/dashboards"
