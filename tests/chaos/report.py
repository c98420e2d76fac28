"""What a storm says at its end: a table for people, the same for programs."""

import platform
import statistics
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final

from preimage.embedded.redis import find_server
from preimage_orders import is_of_an_audit
from tests.chaos import latency
from tests.chaos.checks import story
from tests.chaos.evidence import Evidence, FinalJob
from tests.chaos.history import CALL, NEMESIS, OK, OWNER, RETURN
from tests.chaos.load import load_figures
from tests.chaos.nemesis import DONE
from tests.chaos.storm import Verdict

_PACKAGES: Final = ("preimage", "grpcio", "redis", "torch")


def summary(verdict: Verdict) -> dict[str, Any]:
    """The figures of a storm, as JSON takes them."""
    entries = [each for each in verdict.evidence.entries if not each.client.startswith(OWNER)]
    returns = [entry for entry in entries if entry.phase == RETURN]
    faults = Counter(e.operation for e in returns if e.client == NEMESIS and e.code == DONE)
    jobs = _jobs_of_clients(verdict.evidence)
    creates = Counter(e.request_id for e in entries if e.phase == CALL and e.operation == "create")
    return {
        "seed": verdict.options.seed,
        "seconds": round(verdict.rage.seconds, 1),
        "workers": verdict.options.workers,
        "clients": verdict.options.clients,
        "clients_with_the_sdk": verdict.options.sdk_clients,
        "faults": dict(sorted(faults.items())),
        "calls": sum(entry.client != NEMESIS for entry in returns),
        "accepted": len({e.id for e in returns if e.operation == "create" and e.code == OK}),
        "resends": sum(number - 1 for number in creates.values()),
        "ends": _ends(jobs),
        "redelivered": sum(job.deliveries > 0 for job in jobs),
        "equal_jobs": _equal_jobs(verdict.evidence),
        "audits": _audits(verdict.evidence),
        "drain_seconds": _seconds(verdict.rage.drain_seconds),
        **latency.figures(entries),
        "load_average": load_figures(verdict.rage.load),
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


def _jobs_of_clients(evidence: Evidence) -> list[FinalJob]:
    audits = _audit_ids(evidence)
    return [
        job
        for job in evidence.jobs.values()
        if job.id not in audits and not is_of_an_audit(job.request_id)
    ]


def _audit_ids(evidence: Evidence) -> set[str]:
    """Of those that were accepted, deleted ones included."""
    told = (e for e in evidence.entries if e.client.startswith(OWNER) and e.operation == "create")
    return {entry.id for entry in told if entry.code == OK}


def _ends(jobs: Iterable[FinalJob]) -> dict[str, int]:
    return dict(Counter(job.state or job.code for job in jobs))


def _audits(evidence: Evidence) -> dict[str, Any]:
    """How audits ended, and what their disturbed auditors brought to the queue for them."""
    audits = [evidence.jobs[each] for each in _audit_ids(evidence)]
    brought = evidence.testimony.brought
    return {
        "accepted": len(audits),
        "ends": _ends(audits),
        "taken_up_again": sum(
            sum(change.state == "RUNNING" for change in audit.changes) > 1 for audit in audits
        ),
        "redelivered": sum(audit.deliveries > 0 for audit in audits),
        "inversions": len({job for job, _ in brought}),
        "inversions_by_name": len({request for _, request in brought}),
    }


def _equal_jobs(evidence: Evidence) -> dict[str, int]:
    """Of the jobs that are left: how many equal another one, and what came of it."""
    groups: dict[str, list[FinalJob]] = defaultdict(list)
    for job in _jobs_of_clients(evidence):
        groups[evidence.computation(job.request_id)].append(job)
    equal = [job for name, jobs in groups.items() if name and len(jobs) > 1 for job in jobs]
    return {
        "jobs": len(equal),
        "computations": len({evidence.computation(job.request_id) for job in equal}),
        "succeeded_by_a_run_of_their_own": sum(bool(j.contents) and not j.origin for j in equal),
        "shared_a_run": sum(bool(job.origin) and not job.cached for job in equal),
        "had_a_result_at_once": sum(job.cached for job in equal),
        "cancelled": sum(job.state == "CANCELLED" for job in equal),
    }


def _seconds(taken: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    return {
        kind: {
            "number": len(each),
            "median": round(statistics.median(each), 2),
            "longest": round(max(each), 2),
        }
        for kind, each in taken.items()
    }


def table(figures: dict[str, Any]) -> str:
    """The figures as lines of two columns."""
    submit, apart = figures["submit_ms"], figures["submit_ms_apart"]
    rows = [
        ("seed", figures["seed"]),
        ("seconds", figures["seconds"]),
        *((f"fault: {kind}", number) for kind, number in figures["faults"].items()),
        ("calls", figures["calls"]),
        ("jobs accepted", figures["accepted"]),
        ("submits sent again", figures["resends"]),
        *((f"end: {state}", number) for state, number in sorted(figures["ends"].items())),
        ("jobs delivered more than once", figures["redelivered"]),
        *(
            (f"equal jobs: {what.replace('_', ' ')}", n)
            for what, n in figures["equal_jobs"].items()
        ),
        *_rows_of_audits(figures["audits"]),
        *(
            (f"{kind}: longest, s", said["longest"])
            for kind, said in figures["drain_seconds"].items()
        ),
        ("undisturbed submits", submit["number"]),
        *((f"excluded: {what}", number) for what, number in submit["excluded"].items()),
        ("submit p50, ms", submit.get("p50", "–")),
        ("submit p99, ms", submit.get("p99", "–")),
        *((f"submit p99 {why}, ms", each.get("p99", "–")) for why, each in apart.items()),
        *(
            (f"load average, {when.replace('_', ' ')}", load)
            for when, load in figures["load_average"].items()
        ),
        ("violations", len(figures["violations"])),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value:>8}" for name, value in rows)


def _rows_of_audits(figures: dict[str, Any]) -> Iterator[tuple[str, int]]:
    for what, number in figures.items():
        if what == "ends":
            yield from ((f"audits: end {state}", n) for state, n in sorted(number.items()))
        else:
            yield f"audits: {what.replace('_', ' ')}", number


def explanations(verdict: Verdict) -> list[str]:
    """Each violation in one line, with the history of its job below."""
    lines = []
    for each in verdict.violations:
        about = " ".join(word for word in (each.id, each.request_id) if word)
        lines.append(f"VIOLATION {each.check}: {about} {each.sentence}")
        lines += [f"    {line}" for line in story(verdict.evidence, each)]
    return lines
