"""A real Prometheus over a running service: everything that dashboards and alerts ask has data."""

import re
from collections.abc import Iterator

import pytest

from tests.monitor.asked import choices, queries
from tests.monitor.binaries import require
from tests.monitor.expressions import operands
from tests.monitor.report import NOT_DRAINING, kill_worker, tell_queries
from tests.monitor.rules import DEPLOY, hastened, rules
from tests.monitor.scene import Scene, scene

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
PATIENCE_SECONDS = 240.0
HASTE = 20
"""Alerts wait so many times less than in a deployment."""
REFERENCE = DEPLOY.parent / "docs" / "reference"
OTHERS = re.compile(r"process_|python_|scrape_|up$")
"""Series of Prometheus itself, and of its client."""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    binary = require("prometheus")
    with scene(binary, hastened(tmp_path_factory.mktemp("rules"), HASTE)) as running:
        running.until(lambda: not running.without_data(), PATIENCE_SECONDS)
        yield running


def test_every_query_of_every_panel_has_data(seen: Scene) -> None:
    said: list[str] = []
    missing = seen.without_data()
    assert [str(each) for each in missing] == []
    assert tell_queries(missing, said.append)
    assert said[-1] == "panel queries with data: 100%"
    assert len(queries()) > 90


def test_a_query_of_something_that_nobody_exports_has_none(seen: Scene) -> None:
    assert not seen.prometheus.has_data("sum(rate(preimage_nothing_total[1m]))", 30)
    assert not seen.prometheus.has_data("preimage_redis_up / 0 * 0", 30), "NaN is no number"


def test_every_choice_of_a_dashboard_has_values(seen: Scene) -> None:
    for each in choices():
        assert seen.prometheus.values(each.selector, each.label), each


def test_every_rule_is_evaluated_and_what_it_is_about_has_data(seen: Scene) -> None:
    known = {rule["name"]: rule["health"] for rule in seen.prometheus.rules()}
    assert known == {rule.name: "ok" for rule in rules()}
    for rule in rules():
        asked = operands(rule.expression) if rule.alerts else [rule.name]
        assert asked
        silent = [each for each in asked if not seen.prometheus.has_data(each, 30)]
        assert silent == [], rule.name


def test_nothing_is_exported_that_the_reference_does_not_explain(seen: Scene) -> None:
    pages = [
        (REFERENCE / f"metrics-{name}.md").read_text("utf-8") for name in ("service", "worker")
    ]
    explained = {name for page in pages for name in re.findall(r"^\| `(\w+)`", page, re.MULTILINE)}
    suffix = {"counter": "_total", "info": "_info"}
    scraped = {
        name.removesuffix("_total") + suffix.get(kind, "")
        for name, kind in seen.prometheus.types().items()
        if not OTHERS.match(name)
    }
    assert len(scraped) > 50
    assert scraped <= explained


def test_a_dead_worker_fires_the_alert_that_a_live_one_does_not(seen: Scene) -> None:
    said: list[str] = []
    assert NOT_DRAINING not in seen.prometheus.alerts()
    assert kill_worker(seen, 120 / HASTE, said.append)
    assert said[1].startswith(f"{NOT_DRAINING} fired after ")
    assert NOT_DRAINING in said[2]
    sentence = seen.prometheus.alerts()[NOT_DRAINING]
    assert re.fullmatch(r"\d+ jobs wait, and nobody works\.", sentence)


def test_a_redis_that_may_throw_jobs_away_fires_an_alert_until_it_does_not(seen: Scene) -> None:
    def fires() -> bool:
        return "PreimageRedisUnsafe" in seen.prometheus.alerts()

    assert not fires()
    seen.configure_redis("maxmemory-policy", "allkeys-lru")
    assert seen.until(fires, PATIENCE_SECONDS)
    assert "no_eviction" in seen.prometheus.alerts()["PreimageRedisUnsafe"]
    seen.configure_redis("maxmemory-policy", "noeviction")
    assert seen.until(lambda: not fires(), PATIENCE_SECONDS)
