"""`make monitor`, where there is nothing to run, and what it says of data that is not there."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from tests.monitor.asked import queries
from tests.monitor.report import tell_queries
from tests.monitor.rules import DEPLOY, hastened, rules


def test_without_prometheus_it_says_what_to_install(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.monitor"],
        check=False,
        capture_output=True,
        text=True,
        cwd=DEPLOY.parent,
        env={**os.environ, "PATH": str(tmp_path)},
    )
    assert ended.returncode == 2
    assert "install Debian's package `prometheus`" in ended.stdout
    assert ended.stderr == ""


def test_a_query_without_data_is_named_and_lowers_the_share() -> None:
    said: list[str] = []
    assert not tell_queries(queries()[:1], said.append)
    share, *named = [each for each in said if "queries have data" not in each]
    assert share == f"panel queries with data: {1 - 1 / len(queries()):.1%}"
    assert named == [f"  none: {queries()[0]}: {queries()[0].expression}"]


def test_rules_in_a_hurry_differ_in_their_patience_only(tmp_path: Path) -> None:
    quick = {rule.name: rule for rule in rules(hastened(tmp_path, 20))}
    for rule in rules():
        same = quick[rule.name]
        assert same.expression == rule.expression
        assert same.patience == timedelta(seconds=rule.patience.total_seconds() / 20)
