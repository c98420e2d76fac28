"""A short storm with every kind of fault, which the service must stand."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.chaos.history import CALL, NEMESIS, OWNER, RETURN, SDK
from tests.chaos.nemesis import (
    DONE,
    DRAIN_AUDITOR,
    DRAIN_BY_ADMIN,
    DRAIN_WORKER,
    KILL_WORKER,
    RATES_A_MINUTE,
    plan,
)
from tests.chaos.report import explanations, summary, table
from tests.chaos.storm import Options, storm
from tests.redis_server import require_server


def test_a_seed_decides_the_plan_and_every_kind_of_fault_is_in_it() -> None:
    assert plan(7, 20) == plan(7, 20)
    assert plan(7, 20) != plan(8, 20)
    assert {fault.kind for fault in plan(7, 20)} == set(RATES_A_MINUTE)
    kills = [fault for fault in plan(7, 600) if fault.kind == KILL_WORKER]
    assert len(kills) == 190
    assert all(0 <= fault.at <= 600 for fault in kills)


@pytest.mark.slow
def test_a_storm_with_every_kind_of_fault_breaks_no_promise(tmp_path: Path) -> None:
    require_server()
    file = tmp_path / "history.jsonl"
    verdict = asyncio.run(storm(Options(seconds=16, seed=1, history=file)))
    assert verdict.violations == [], "\n".join(explanations(verdict))

    entries = verdict.evidence.entries
    returned = {(e.operation, e.code) for e in entries if e.phase == RETURN}
    assert {(kind, DONE) for kind in RATES_A_MINUTE} <= returned
    operations = {operation for operation, code in returned if code == "OK"}
    assert operations >= {"create", "upload", "get", "watch", "cancel", "download", "result"}
    assert {e.operation for e in entries if e.client.startswith(SDK)} >= {"create", "result"}
    assert {e.operation for e in entries if e.client.startswith(OWNER)} >= {"create", "watch"}

    figures = summary(verdict)
    assert figures["accepted"] > 0
    assert figures["resends"] > 0
    assert figures["ends"]["SUCCEEDED"] > 0
    assert figures["equal_jobs"]["shared_a_run"] > 0
    assert figures["audits"]["ends"]["SUCCEEDED"] > 0
    assert figures["audits"]["inversions"] > 0
    assert set(figures["drain_seconds"]) == {DRAIN_WORKER, DRAIN_BY_ADMIN, DRAIN_AUDITOR}
    assert figures["submit_ms"]["excluded"]["calls under proxy or frontend faults"] > 0
    assert figures["load_average"]["mean"] > 0
    assert "violations" in table(figures)

    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(lines) == len(entries)
    assert {line["phase"] for line in lines if line["client"] != NEMESIS} >= {CALL, RETURN}
