"""Alerts and recording rules: each is tested by promtool, has a page, and names what exists."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from deploy.grafana.source.pages import pages

from tests.monitor.binaries import require
from tests.monitor.exported import exported
from tests.monitor.expressions import operands, selected
from tests.monitor.rules import DEPLOY, RULES, Rule, rules

FROM_PROMETHEUS = {"up": {"job", "instance"}}
EVERYWHERE = {"job", "instance"}
ALERTS = [rule for rule in rules() if rule.alerts]


def promtool(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = (require("promtool"), *map(str, arguments))
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=cwd)


def unit_tests(folder: Path) -> list[Path]:
    return sorted((folder / "tests").glob("*.yml"))


def test_every_alert_fires_when_it_must_and_only_then() -> None:
    ended = promtool("test", "rules", *unit_tests(DEPLOY / "prometheus"))
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("instead", ["vector(1)", "vector(1) > 2"], ids=["always", "never"])
def test_an_alert_that_always_or_never_fired_would_be_noticed(instead: str, tmp_path: Path) -> None:
    require("promtool")
    copy = tmp_path / "prometheus"
    shutil.copytree(DEPLOY / "prometheus", copy)
    file = copy / "rules" / "alerts.yml"
    content = yaml.safe_load(file.read_text("utf-8"))
    for group in content["groups"]:
        for rule in group["rules"]:
            rule["expr"] = instead
            rule.pop("for", None)
    file.write_text(yaml.safe_dump(content), "utf-8")
    said = promtool("test", "rules", *unit_tests(copy))
    noticed = set(re.findall(r"alertname: (\w+)", said.stdout + said.stderr))
    assert noticed == {alert.name for alert in ALERTS}


def test_prometheus_takes_the_configuration_and_the_rules() -> None:
    ended = promtool("check", "config", DEPLOY / "prometheus" / "prometheus.yml")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"{len(RULES)} rule files found" in ended.stdout


@pytest.mark.parametrize("alert", ALERTS, ids=lambda rule: rule.name)
def test_every_alert_says_how_bad_it_is_what_is_wrong_and_where_to_read_on(alert: Rule) -> None:
    assert alert.name.startswith("Preimage")
    assert alert.severity in {"critical", "warning", "info"}
    assert set(alert.annotations) == {"summary", "description", "runbook_url"}
    assert alert.annotations["runbook_url"] == f"docs/how-to/runbook.md#{alert.name.lower()}"


def test_every_alert_has_a_page_of_the_runbook_and_every_page_an_alert() -> None:
    assert sorted(pages()) == sorted(alert.name for alert in ALERTS)
    for name, page in pages().items():
        for part in ("**Meaning.**", "**Callers**", "**Look.**", "**Do.**"):
            assert part in page, name


def test_commands_of_the_runbook_exist() -> None:
    manual = (DEPLOY.parent / "docs" / "reference" / "cli.md").read_text("utf-8")
    known = set(re.findall(r"^## (preimage [\w -]+?)(?: \w*)?$", manual, re.MULTILINE))
    known |= set(re.findall(r"^## (preimage [\w -]+)$", manual, re.MULTILINE))
    named = {
        " ".join(
            words.split()[: 3 if words.startswith(("preimage admin", "preimage token")) else 2]
        )
        for page in pages().values()
        for words in re.findall(r"`(preimage [\w -]+)", page)
    }
    assert named
    assert named <= known


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
def test_rules_name_only_series_and_labels_that_exist(rule: Rule) -> None:
    recorded = {each.name for each in rules() if not each.alerts}
    known = exported() | FROM_PROMETHEUS
    for each in selected(rule.expression):
        if each.metric not in recorded:
            assert each.metric in known
            assert each.labels <= known[each.metric] | EVERYWHERE


def test_an_alert_is_taken_apart_into_what_must_have_data() -> None:
    text = 'sum(a{b="c"}) > 0 and (max(d) - e) <= 0 unless absent(f{g="h"}) or rate(i[5m]) == 1'
    assert [each.partition("{")[0] for each in operands(text)] == [
        "sum(a",
        "max(d",
        "f",
        "rate(i",
    ]
    assert {each.metric for each in selected(text)} == set("adefi")
