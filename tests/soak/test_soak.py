"""A short run over a real stack: too short for slopes, long enough for everything to expire."""

from collections import Counter
from collections.abc import Iterable

import pytest

from preimage_queue.keys import LASTING
from preimage_service.settings import Settings
from tests.redis_server import require_server
from tests.soak.clients import OPERATIONS
from tests.soak.judging import Limits, breaches
from tests.soak.report import summary, table
from tests.soak.run import Plan, soak

SHORT = Plan(
    seconds=15,
    warm_seconds=3,
    every_seconds=2,
    idle_seconds=1,
    retention_seconds=3,
    may_stay=lambda kind: kind not in LASTING,  # what has an expiry of its own may be a minute old
)
LOOSE = Limits(descriptors=12, threads=8, connections=12, keys=1000)


def decoders(names: Iterable[str]) -> set[str]:
    return {name for name in names if "/decoder-" in name}


@pytest.mark.slow
def test_a_stack_under_a_mixed_load_keeps_no_descriptors_keys_or_jobs() -> None:
    require_server()
    record = soak(SHORT)
    found = breaches(record, LOOSE)
    figures = summary(record, found)
    assert found == [], table(figures)

    assert figures["jobs"] > 0
    assert figures["ends"]["SUCCEEDED"] > 0
    assert figures["ends"]["FAILED"] > 0  # of those that are meant to
    called = Counter(each.partition(" ")[0] for each in figures["calls"])
    assert called.keys() >= {"submit", "watch", "upload", "bad", "list", "scrape", "invert"}
    assert called.keys() >= {"audit", "get"}
    assert figures["ends"]["audit SUCCEEDED"] > 0
    assert len(OPERATIONS) == 23
    names = set(figures["processes"])
    assert names >= {"redis", "frontend", "frontend/decoder-0", "worker-0", "worker-1", "auditor-0"}
    warmed = record.before[-1].processes.keys()
    assert decoders(names) == decoders(warmed), "lazy children started before the baseline"
    assert len(decoders(warmed)) == Settings().concurrent_checks + 3
