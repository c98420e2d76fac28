"""How long accepted submissions took, apart by what the storm did to them on their way.

A client measures until it has its answer: what a proxy holds back, or breaks, counts into its time.
So a call is *undisturbed* only if it does not overlap any fault between clients, frontend and Redis
or the second after it, in which connections are made again. Only those are compared with what we
ask of the service. They suffer from everything else all the same: workers that die and start again,
and whatever else the machine does. Audits bring several pictures and are not counted.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from tests.chaos.history import BY_ITSELF, CALL, NEMESIS, OK, OWNER, RETURN, SDK, Entry
from tests.chaos.nemesis import CALM, KILL_FRONTEND, KILL_REDIS

WANTED_P99_MS: Final = 50.0
UNDISTURBED, THROUGH_SDK = "undisturbed", "through the SDK"
START, REDIS_AWAY = "while all connected", "while Redis was away"
BROKEN = "under proxy or frontend faults"
_SETTLING_SECONDS: Final = 1.0
_RANKS: Final = (START, REDIS_AWAY, BROKEN)
"""A call that overlaps several is counted with the first of them."""

Window = tuple[str, float, float]


def figures(entries: Iterable[Entry]) -> dict[str, Any]:
    """Milliseconds, and how many calls are left out of them, as JSON takes it."""
    entries = tuple(entry for entry in entries if not entry.client.startswith(OWNER))
    raw = submit_ms(entry for entry in entries if not entry.client.startswith(SDK))
    nemesis = [entry for entry in entries if entry.client == NEMESIS]
    sdk = submit_ms([*nemesis, *(entry for entry in entries if entry.client.startswith(SDK))])
    excluded = {f"calls {why}": len(raw[why]) for why in _RANKS}
    excluded[f"calls {THROUGH_SDK}"] = sum(map(len, sdk.values()))
    return {
        "submit_ms": {
            **percentiles(raw[UNDISTURBED]),
            "wanted_p99": WANTED_P99_MS,
            "excluded": excluded,
        },
        "submit_ms_apart": {
            **{why: percentiles(raw[why]) for why in (BROKEN, REDIS_AWAY)},
            f"{THROUGH_SDK}, {UNDISTURBED}": percentiles(sdk[UNDISTURBED]),
        },
    }


def submit_ms(entries: Iterable[Entry]) -> dict[str, list[float]]:
    """Milliseconds of each submission that was accepted, by what it overlapped."""
    entries = tuple(entries)
    windows = sorted(_windows(entries), key=lambda window: _RANKS.index(window[0]))
    calls = {(e.client, e.number): e.at for e in entries if e.phase == CALL}
    found: dict[str, list[float]] = defaultdict(list)
    for entry in entries:
        if entry.operation == "create" and entry.code == OK and entry.detail != BY_ITSELF:
            began = calls[entry.client, entry.number]
            met = (why for why, start, end in windows if began < end and entry.at > start)
            found[next(met, UNDISTURBED)].append((entry.at - began) * 1000)
    return found


def _windows(entries: Iterable[Entry]) -> Iterable[Window]:
    begun: dict[int, float] = {}
    for entry in entries:
        if entry.client == NEMESIS and entry.phase == CALL:
            begun[entry.number] = entry.at
        elif entry.client == NEMESIS and entry.phase == RETURN and (why := _met(entry.operation)):
            yield why, begun[entry.number], entry.at + _SETTLING_SECONDS


def _met(kind: str) -> str:
    """What a submission meets under a fault; empty: nothing, it is not on the way."""
    if kind == KILL_FRONTEND or kind.endswith((" clients", " frontend")):
        return BROKEN
    return {CALM: START, KILL_REDIS: REDIS_AWAY}.get(kind, "")


def percentiles(values: list[float]) -> dict[str, float]:
    """How many there are, the median, the 99th percentile and the longest."""
    ordered = sorted(values)
    if not ordered:
        return {"number": 0}
    at = {"p50": 0.5, "p99": 0.99, "longest": 1.0}
    places = {name: min(int(share * len(ordered)), len(ordered) - 1) for name, share in at.items()}
    found = {name: round(ordered[place], 1) for name, place in places.items()}
    return {"number": len(ordered), **found}
