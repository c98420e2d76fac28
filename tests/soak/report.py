"""What a long run says at its end: a table for people, the same for programs."""

from typing import Any, Final

from tests.chaos.report import versions
from tests.soak.judging import (
    MIB,
    busy_percent,
    growth,
    idle_percent,
    judged_part,
    long_lived,
    rss_growth,
)
from tests.soak.run import Record
from tests.soak.sampler import Sample

_SERIES_POINTS: Final = 30
_COLUMNS: Final = (
    ("rss_mib", "RSS MiB"),
    ("uss_mib", "USS MiB"),
    ("rss_mib_per_10_minutes", "MiB / 10 min"),
    ("descriptors", "descriptors"),
    ("threads", "threads"),
    ("busy_percent", "busy %"),
    ("idle_percent", "idle %"),
)


def summary(record: Record, found: list[str]) -> dict[str, Any]:
    """The figures, as JSON takes them; pairs are at rest before and after the load."""
    ledger = record.ledger
    return {
        "seed": record.plan.seed,
        "seconds": record.plan.seconds,
        "clients": record.plan.clients,
        "jobs": ledger.accepted - record.jobs_before,
        "calls": dict(sorted(ledger.calls.items())),
        "ends": dict(sorted(ledger.ends.items())),
        "processes": {name: _process(record, name) for name in sorted(record.after[-1].processes)},
        "redis": _redis(record),
        "breaches": found,
        "versions": versions(),
    }


def _process(record: Record, name: str) -> dict[str, Any]:
    judged = judged_part(record.load)
    first, last = record.before[-1].processes.get(name), record.after[-1].processes[name]
    grown = rss_growth(judged, name) if name in long_lived(judged) else None

    def pair(field: str, unit: int = 1) -> list[float | None]:
        values = [getattr(each, field) if each else None for each in (first, last)]
        return [v if v is None or unit == 1 else round(v / unit, 1) for v in values]

    return {
        "rss_mib": pair("rss_bytes", MIB),
        "uss_mib": pair("uss_bytes", MIB),
        "rss_mib_per_10_minutes": None if grown is None else round(grown, 3),
        "descriptors": pair("descriptors"),
        "threads": pair("threads"),
        "busy_percent": _rounded(busy_percent(record).get(name)),
        "idle_percent": _rounded(idle_percent(record).get(name)),
        "rss_mib_series": [
            round(sample.processes[name].rss_bytes / MIB, 1)
            for sample in _thinned(record.load)
            if name in sample.processes
        ],
    }


def _redis(record: Record) -> dict[str, Any]:
    ends = (record.before[-1].store, record.after[-1].store)
    judged = judged_part(record.load)
    most = max((sum(sample.store.keys.values()) for sample in record.load), default=0)
    grown = growth(judged, lambda sample: sample.store.used_bytes) / MIB
    return {
        "connections": [end.connections for end in ends],
        "used_mib": [round(end.used_bytes / MIB, 2) for end in ends],
        "used_mib_per_10_minutes": round(grown, 3),
        "keys": [dict(sorted(end.keys.items())) for end in ends],
        "most_keys": most,
    }


def _thinned(samples: list[Sample]) -> list[Sample]:
    return samples[:: len(samples) // _SERIES_POINTS + 1]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def table(figures: dict[str, Any]) -> str:
    """The figures as lines of columns."""
    store = figures["redis"]
    rows = [["process", *(title for _, title in _COLUMNS)]]
    for name, facts in figures["processes"].items():
        rows.append([name, *(_cell(facts[key]) for key, _ in _COLUMNS)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(f"{cell:>{w}}" for cell, w in zip(row, widths, strict=True)) for row in rows]
    ends = ", ".join(f"{number} {state}" for state, number in figures["ends"].items())
    held = f"used MiB {_cell(store['used_mib'])} ({store['used_mib_per_10_minutes']} / 10 min)"
    lines += [
        f"Redis: connections {_cell(store['connections'])}, {held}, most keys {store['most_keys']}",
        f"keys at rest: {store['keys'][0]} → {store['keys'][1]}",
        f"{sum(figures['calls'].values())} calls, {figures['jobs']} jobs; ends: {ends}",
        f"breaches: {len(figures['breaches'])}",
    ]
    return "\n".join(lines)


def _cell(value: object) -> str:
    if isinstance(value, list):
        return " → ".join(_cell(each) for each in value)
    return "–" if value is None else str(value)
