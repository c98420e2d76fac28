"""The judgement on series made by hand: each leak is found, and what is no leak is none."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.soak.judging import (
    JUDGES,
    MIB,
    Limits,
    breaches,
    connections_stay,
    handles_stay,
    keys_go,
    memory_grows,
    nothing_is_lost,
    processes_stay,
    rest_is_quiet,
    rss_growth,
    slope,
)
from tests.soak.ledger import Job, Ledger
from tests.soak.report import summary, table
from tests.soak.run import Plan, Record
from tests.soak.sampler import Sample, Store, Usage

USAGE = Usage(
    pid=7, rss_bytes=300 * MIB, uss_bytes=200 * MIB, descriptors=40, threads=12, cpu_seconds=1.0
)
STORE = Store(connections=9, used_bytes=2 * MIB, keys={"worker": 2, "workers": 1})
MINUTES = 30


def sample(at: float, store: Store = STORE, **changes: object) -> Sample:
    """A look at a stack of one frontend and its Redis."""
    usage = replace(USAGE, cpu_seconds=at / 100, **changes)  # type: ignore[arg-type]
    return Sample(at, {"frontend": usage, "redis": replace(USAGE, pid=8)}, store)


def load(rss: Callable[[float], float] = lambda _: 0.0) -> list[Sample]:
    """Half an hour; `rss` says how many MiB there are more after so many minutes."""
    return [
        sample(60.0 * minute, rss_bytes=int(USAGE.rss_bytes + rss(minute) * MIB))
        for minute in range(MINUTES)
    ]


def record(**fields: object) -> Record:
    good = {"load": load(), "before": [sample(0)], "after": [sample(4000), sample(4030)]}
    return Record(plan=Plan(seconds=1800), **(good | fields))  # type: ignore[arg-type]


def at_rest(store: Store = STORE, **changes: object) -> Record:
    return record(after=[sample(4000), sample(4030, store, **changes)])


def told(**fields: object) -> Record:
    return record(ledger=Ledger(**fields))  # type: ignore[arg-type]


def fleeting(change: Callable[[Sample], Sample]) -> list[Sample]:
    """A load with one sample that is unlike the others."""
    samples = load()
    return [*samples[:20], change(samples[20]), *samples[21:]]


def holding(grown: float) -> list[Sample]:
    """A load during which Redis holds so many MiB more every minute."""
    return [
        sample(60.0 * n, replace(STORE, used_bytes=int((2 + grown * n) * MIB)))
        for n in range(MINUTES)
    ]


NOISE = random.Random(1)
WITHOUT = {name: use for name, use in sample(1).processes.items() if name != "frontend"}
LEAKS = {
    memory_grows: [
        record(load=load(lambda minute: 0.11 * minute)),
        record(load=load(lambda minute: 0.15 * minute + NOISE.gauss(0, 0.5))),
        record(load=load(lambda minute: float(2 * (minute // 10)))),
        record(load=holding(0.2)),
    ],
    handles_stay: [at_rest(descriptors=45), at_rest(threads=15)],
    connections_stay: [at_rest(replace(STORE, connections=14))],
    keys_go: [
        at_rest(replace(STORE, keys={"job": 1})),
        at_rest(replace(STORE, keys={"deleted": 1})),
        at_rest(replace(STORE, keys={"worker": 5})),
    ],
    processes_stay: [
        at_rest(pid=99),
        record(after=[sample(4000), Sample(4030, WITHOUT, STORE)]),
        record(before=[Sample(0, WITHOUT, STORE)]),
    ],
    nothing_is_lost: [
        told(lost=["a" * 32]),
        told(jobs={"a": Job("a", state="RUNNING")}),
        told(surprises=["get ended with INTERNAL: a bug"]),
    ],
    rest_is_quiet: [record(after=[sample(4000), replace(sample(6000), at=4030)])],
}
HARMLESS = [
    record(),
    record(load=load(lambda minute: min(50.0, 10 * minute))),
    record(load=load(lambda minute: 40.0 if minute == 20 else 0.0)),
    record(load=load(lambda _: NOISE.gauss(0, 2))),
    record(load=load(lambda minute: 0.05 * minute)),
    record(load=fleeting(lambda s: replace(s, processes={**s.processes, "redis/other-0": USAGE}))),
    at_rest(descriptors=38, threads=10),
    at_rest(replace(STORE, keys={"workers": 1})),
    told(jobs={"a": Job("a", state="FAILED")}),
]


@pytest.mark.parametrize("judge", JUDGES)
def test_a_judge_finds_each_of_its_leaks_and_nobody_else_complains(
    judge: Callable[..., object],
) -> None:
    assert LEAKS[judge]
    for leak in LEAKS[judge]:
        found = breaches(leak, Limits())
        assert found
        assert found == list(judge(leak, Limits()))


@pytest.mark.parametrize("number", range(len(HARMLESS)))
def test_what_is_no_leak_is_not_judged_as_one(number: int) -> None:
    assert breaches(HARMLESS[number], Limits()) == []


def test_a_slope_is_the_line_that_most_points_lie_on() -> None:
    line = [(float(x), 3.0 * x + 1) for x in range(100)]
    assert slope(line) == pytest.approx(3.0)
    assert slope([(x, y if x % 10 else 1e6) for x, y in line]) == pytest.approx(3.0, rel=0.05)
    assert slope([(float(x), 2.0 * x) for x in range(10_000)]) == pytest.approx(2.0)
    assert slope([(1.0, 5.0)]) == 0


def test_growth_is_told_in_mebibytes_every_ten_minutes() -> None:
    samples = load(lambda minute: 0.25 * minute)
    assert rss_growth(samples, "frontend") == pytest.approx(2.5)


def test_a_short_run_says_nothing_about_slopes() -> None:
    steep = record(load=load(lambda minute: 5 * minute)[:6])
    assert breaches(steep, Limits()) == []
    assert breaches(steep, Limits(slope_seconds=60)) != []


def test_the_report_holds_the_figures_and_every_breach() -> None:
    leak = record(load=load(float))
    found = breaches(leak, Limits())
    figures = summary(leak, found)
    assert figures["processes"]["frontend"]["rss_mib_per_10_minutes"] == pytest.approx(10)
    assert figures["breaches"] == found
    assert "breaches: 1" in table(figures)
    assert "frontend" in table(figures)
