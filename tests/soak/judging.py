"""What must hold after a long run. Pure functions of a record.

A slope is Theil and Sen's: the median of the slopes of all pairs of points. Peaks of single samples
do not move it, and neither does a step at the beginning, which is why the first third is left out
as well.
"""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from tests.soak.run import Record
from tests.soak.sampler import Sample, Usage

MIB: Final = 1024 * 1024
_TEN_MINUTES: Final = 600.0
_REDIS: Final = "redis"
_POINTS: Final = 400
"""Of a series, for its slope: all pairs of more would take long and say the same."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What is too much."""

    rss_mib_per_10_minutes: float = 1.0
    slope_seconds: float = 300.0
    """Below this length of the judged part a slope says nothing and is not judged."""
    descriptors: int = 4
    """More at rest than before."""
    threads: int = 2
    connections: int = 4
    keys: int = 2
    """Of a kind that lasts."""
    idle_percent: float = 5.0
    """Of a core, for a process at rest; judged where the rest is long enough."""
    idle_seconds: float = 20.0


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Theil–Sen: units of y in a unit of x; 0 for less than two points."""
    points = points[:: len(points) // _POINTS + 1]
    slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(points, 2) if x2 > x1]
    return statistics.median(slopes) if slopes else 0.0


def judged_part(samples: Sequence[Sample]) -> Sequence[Sample]:
    """The second and the last third of a run."""
    return samples[len(samples) // 3 :]


def long_lived(samples: Sequence[Sample]) -> list[str]:
    """Processes that are the same ones in all of the samples."""
    pids: dict[str, set[int]] = {}
    for sample in samples:
        for name, usage in sample.processes.items():
            pids.setdefault(name, set()).add(usage.pid)
    counts = {n: sum(n in sample.processes for sample in samples) for n in pids}
    return [name for name in pids if len(pids[name]) == 1 and counts[name] == len(samples)]


def growth(samples: Sequence[Sample], value: Callable[[Sample], float]) -> float:
    """How much a value grows in ten minutes."""
    return slope([(sample.at, value(sample)) for sample in samples]) * _TEN_MINUTES


def rss_growth(samples: Sequence[Sample], name: str) -> float:
    """How much resident memory a process takes more in ten minutes, MiB."""
    return growth(samples, lambda sample: sample.processes[name].rss_bytes) / MIB


def memory_grows(record: Record, limits: Limits) -> Iterator[str]:
    """No process grows without end, and neither does what Redis holds."""
    samples = judged_part(record.load)
    if not samples or samples[-1].at - samples[0].at < limits.slope_seconds:
        return
    for name in long_lived(samples):
        grown = rss_growth(samples, name)
        if grown >= limits.rss_mib_per_10_minutes:
            yield f"{name} takes {grown:.2f} MiB more every ten minutes"
    grown = growth(samples, lambda sample: sample.store.used_bytes) / MIB
    if grown >= limits.rss_mib_per_10_minutes:
        yield f"Redis holds {grown:.2f} MiB more every ten minutes"


def handles_stay(record: Record, limits: Limits) -> Iterator[str]:
    """Descriptors and threads are what they were."""
    before, after = record.before[-1].processes, record.after[-1].processes
    kinds: tuple[tuple[str, int, Callable[[Usage], int]], ...] = (
        ("descriptors", limits.descriptors, lambda usage: usage.descriptors),
        ("threads", limits.threads, lambda usage: usage.threads),
    )
    for name in before.keys() & after.keys():
        for kind, limit, count in kinds:
            had, has = count(before[name]), count(after[name])
            if has > had + limit:
                yield f"{name} had {had} {kind} at rest and has {has} after the load"


def connections_stay(record: Record, limits: Limits) -> Iterator[str]:
    """Connections to Redis are as many as they were."""
    had, has = record.before[-1].store.connections, record.after[-1].store.connections
    if has > had + limits.connections:
        yield f"Redis had {had} connections at rest and has {has} after the load"


def keys_go(record: Record, limits: Limits) -> Iterator[str]:
    """What is left is what keys.py lets stay, and no more of it than before."""
    before, after = record.before[-1].store.keys, record.after[-1].store.keys
    for kind, number in sorted(after.items()):
        if not record.plan.may_stay(kind):
            yield f"{number} keys {kind!r} are left when everything should be forgotten"
        elif number > before.get(kind, 0) + limits.keys:
            yield f"there were {before.get(kind, 0)} keys {kind!r} at rest and now {number}"


def processes_stay(record: Record, _: Limits) -> Iterator[str]:
    """Nobody died and nobody was added, but for decoders that are as many as were warmed up."""
    before, after = record.before[-1].processes, record.after[-1].processes
    for name, usage in before.items():
        if name not in after or after[name].pid != usage.pid:
            yield f"{name} ended during the load"
    for name in sorted(after.keys() - before.keys()):
        if not name.startswith(_REDIS) and "/decoder-" not in name:
            yield f"{name} is new after the load"


def nothing_is_lost(record: Record, _: Limits) -> Iterator[str]:
    """Every job was seen to end, and no call was answered wrongly."""
    ledger = record.ledger
    for job_id in [*ledger.lost, *(job.id for job in ledger.unended())]:
        yield f"job {job_id} was accepted and its end was never seen"
    yield from sorted(set(ledger.surprises))


def rest_is_quiet(record: Record, limits: Limits) -> Iterator[str]:
    """Who has nothing to do does nothing."""
    if record.after[-1].at - record.after[0].at < limits.idle_seconds:
        return
    for name, percent in idle_percent(record).items():
        if percent > limits.idle_percent:
            yield f"{name} takes {percent:.1f} % of a core at rest"


def idle_percent(record: Record) -> dict[str, float]:
    """The share of a core that each process took at rest after the load, per cent."""
    return _percent(record.after[0], record.after[-1])


def busy_percent(record: Record) -> dict[str, float]:
    """The same under the load."""
    return _percent(record.load[0], record.load[-1]) if record.load else {}


def _percent(first: Sample, last: Sample) -> dict[str, float]:
    names = first.processes.keys() & last.processes.keys()
    took = {n: last.processes[n].cpu_seconds - first.processes[n].cpu_seconds for n in names}
    return {name: 100 * took[name] / (last.at - first.at) for name in sorted(names)}


JUDGES: Final = (
    memory_grows,
    handles_stay,
    connections_stay,
    keys_go,
    processes_stay,
    nothing_is_lost,
    rest_is_quiet,
)


def breaches(record: Record, limits: Limits) -> list[str]:
    """A sentence for everything that is not as it must be."""
    return [sentence for judge in JUDGES for sentence in judge(record, limits)]
