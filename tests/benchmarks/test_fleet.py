"""The simulated fleet does work, and counts what it costs."""

import argparse

import pytest
from benchmarks.service import fleet

from tests.redis_server import require_server


def test_a_small_fleet_does_what_its_tenants_ask_and_tells_what_it_costs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    require_server()
    for name, value in {"RUN_SECONDS": 2, "SECONDS": 6, "WARM": 2}.items():
        monkeypatch.setattr(fleet, name, value)
    one, two = fleet.measure(argparse.Namespace(workers="1,2"))
    for row, workers in ((one, 1), (two, 2)):
        assert row["workers"] == workers
        # Each slot ends a job every two seconds, and takes another.
        assert 4 * workers <= float(str(row["jobs_per_second"])) <= 16 * workers
        assert 0.5 < float(str(row["fairness"])) <= 1
        assert "job " in str(row["keys"])
        assert float(str(row["list_workers_us"])) >= 0
