"""What a storm says at its end: a table for people, the same for programs."""

import platform
import subprocess
from collections import Counter
from importlib.metadata import version
from typing import Any, Final

from preimage.embedded.redis import find_server
from tests.chaos.checks import story
from tests.chaos.history import CALL, NEMESIS, OK, RETURN, Entry
from tests.chaos.nemesis import CALM, DONE, KILL_FRONTEND, KILL_REDIS
from tests.chaos.storm import Verdict

_SETTLING_SECONDS: Final = 1.0
"""After a fault on the way of a submit, until connections are made again."""
_PACKAGES: Final = ("preimage", "grpcio", "redis", "torch")


def summary(verdict: Verdict) -> dict[str, Any]:
    """The figures of a storm, as JSON takes them."""
    entries = verdict.evidence.entries
    returns = [entry for entry in entries if entry.phase == RETURN]
    faults = Counter(e.operation for e in returns if e.client == NEMESIS and e.code == DONE)
    creates = Counter(e.request_id for e in entries if e.phase == CALL and e.operation == "create")
    return {
        "seed": verdict.options.seed,
        "seconds": round(verdict.seconds, 1),
        "workers": verdict.options.workers,
        "clients": verdict.options.clients,
        "faults": dict(sorted(faults.items())),
        "calls": sum(entry.client != NEMESIS for entry in returns),
        "accepted": len({e.id for e in returns if e.operation == "create" and e.code == OK}),
        "resends": sum(number - 1 for number in creates.values()),
        "ends": dict(Counter(job.state or job.code for job in verdict.evidence.jobs.values())),
        "redelivered": sum(job.deliveries > 0 for job in verdict.evidence.jobs.values()),
        "submit_ms": _percentiles(submit_ms(entries)),
        "violations": [
            {"check": each.check, "id": each.id, "sentence": each.sentence}
            for each in verdict.violations
        ],
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """What the storm went over."""
    return {
        "python": platform.python_version(),
        "redis-server": _redis_version(),
        **{package: version(package) for package in _PACKAGES},
    }


def _redis_version() -> str:
    command = [str(find_server()), "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return said.partition("v=")[2].split()[0]


def submit_ms(entries: tuple[Entry, ...]) -> list[float]:
    """How long accepted submits took, in milliseconds, but for those that met a fault.

    Left out are the first seconds, in which all connect at one time, and what overlaps with Redis
    or the frontend being away or with trouble on a connection between clients, frontend and Redis:
    those measure the nemesis.
    """
    windows = _windows(entries)
    calls = {(e.client, e.number): e.at for e in entries if e.phase == CALL}
    found = []
    for entry in entries:
        if entry.operation == "create" and entry.code == OK:
            began = calls[entry.client, entry.number]
            if not any(began < end and entry.at > start for start, end in windows):
                found.append((entry.at - began) * 1000)
    return found


def _windows(entries: tuple[Entry, ...]) -> list[tuple[float, float]]:
    begun = {e.number: e.at for e in entries if e.client == NEMESIS and e.phase == CALL}
    return [
        (begun[entry.number], entry.at + _SETTLING_SECONDS)
        for entry in entries
        if entry.client == NEMESIS and entry.phase == RETURN and _in_the_way(entry.operation)
    ]


def _in_the_way(kind: str) -> bool:
    return kind in (CALM, KILL_REDIS, KILL_FRONTEND) or kind.endswith((" clients", " frontend"))


def _percentiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    if not ordered:
        return {"number": 0}
    at = {"p50": 0.5, "p99": 0.99, "longest": 1.0}
    places = {name: min(int(share * len(ordered)), len(ordered) - 1) for name, share in at.items()}
    found = {name: round(ordered[place], 1) for name, place in places.items()}
    return {"number": len(ordered), **found}


def table(figures: dict[str, Any]) -> str:
    """The figures as lines of two columns."""
    submit = figures["submit_ms"]
    rows = [
        ("seed", figures["seed"]),
        ("seconds", figures["seconds"]),
        *((f"fault: {kind}", number) for kind, number in figures["faults"].items()),
        ("calls", figures["calls"]),
        ("jobs accepted", figures["accepted"]),
        ("submits sent again", figures["resends"]),
        *((f"end: {state}", number) for state, number in sorted(figures["ends"].items())),
        ("jobs delivered more than once", figures["redelivered"]),
        ("submit p50, ms", submit.get("p50", "–")),
        ("submit p99, ms", submit.get("p99", "–")),
        ("violations", len(figures["violations"])),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value:>8}" for name, value in rows)


def explanations(verdict: Verdict) -> list[str]:
    """Each violation in one line, with the history of its job below."""
    lines = []
    for each in verdict.violations:
        about = " ".join(word for word in (each.id, each.request_id) if word)
        lines.append(f"VIOLATION {each.check}: {about} {each.sentence}")
        lines += [f"    {line}" for line in story(verdict.evidence, each)]
    return lines
