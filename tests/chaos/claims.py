"""What must hold between the attempts that the queue knows and the claims that workers heard of."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from tests.chaos.evidence import Change, Evidence, FinalJob, Found
from tests.chaos.witness import Claim

_SAME_MOMENT_SECONDS: Final = 0.01
"""Both clocks are this machine's; Redis tells milliseconds only."""


def every_claimed_job_reaches_its_worker(evidence: Evidence) -> Found:
    """A claim whose answer was lost finds its jobs again.

    An attempt of which no worker ever heard is explained only by a claim that was under way when
    the attempt began, and then stayed without an answer for a lease: its worker was dead or cut
    off. Or the job followed an equal one, whose attempts it shows as its own.
    """
    claims = evidence.testimony.claims
    if not claims:
        return
    heard = {attempt for claim in claims for attempt in claim.attempts}
    equals = _equal_jobs(evidence)
    for job in evidence.found:
        for change in job.changes:
            if change.state != "RUNNING" or (job.id, change.attempt) in heard:
                continue
            leaders = (each for each in equals[job.id] if (each.id, change.attempt) in heard)
            hung = (_hung(claim, change.at, evidence) for claim in claims)
            if not any(hung) and not any(_ran(leader, change) for leader in leaders):
                words = f"attempt {change.attempt} was claimed and reached no worker"
                yield words, job.id, job.request_id


def _hung(claim: Claim, at: float, evidence: Evidence) -> bool:
    late = claim.answered is None or claim.answered > at + evidence.lease_seconds
    return claim.sent < at + _SAME_MOMENT_SECONDS and late


def _equal_jobs(evidence: Evidence) -> dict[str, list[FinalJob]]:
    """By a job's id: those that asked for the same, deleted ones included; audits share no run."""
    requests = {e.id: e.request_id for e in evidence.entries if e.operation == "create" and e.id}
    requests |= dict(evidence.testimony.brought)
    requests |= {job.id: "" if job.audit else job.request_id for job in evidence.found}
    groups: dict[str, list[FinalJob]] = defaultdict(list)
    for job_id, request in requests.items():
        if computation := evidence.computation(request):
            groups[computation].append(evidence.jobs.get(job_id, FinalJob(job_id)))
    alone: list[FinalJob] = []
    return {
        job_id: groups.get(evidence.computation(request), alone)
        for job_id, request in requests.items()
    }


def _ran(leader: FinalJob, change: Change) -> bool:
    """Whether the attempt was under way when a job showed it; of deleted ones nothing is known."""
    return not leader.changes or any(
        span.state == "RUNNING" and span.attempt == change.attempt and _holds(span, until, change)
        for span, until in _spans(leader)
    )


def _spans(job: FinalJob) -> Iterator[tuple[Change, float]]:
    yield from ((change, following.at) for change, following in pairwise(job.changes))
    yield job.changes[-1], float("inf")


def _holds(span: Change, until: float, change: Change) -> bool:
    return span.at - _SAME_MOMENT_SECONDS <= change.at <= until + _SAME_MOMENT_SECONDS
