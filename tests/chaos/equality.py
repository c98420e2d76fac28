"""What must hold between equal jobs, which share runs and results, and between unlike ones.

Computed is a tiny network with a seed of its own for each computation, so a result is the same
bytes whenever and wherever it is computed, and nobody else's: who got the wrong one is found out.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Final

from tests.chaos.evidence import Evidence, FinalJob, Found, of_audit
from tests.chaos.history import OK

_SHARED: Final = ("state", "result", "contents")


def equal_jobs_have_equal_files(evidence: Evidence) -> Found:
    """The same computation comes to the same bytes: shared, kept, or computed again."""
    seen: dict[str, dict[str, FinalJob]] = defaultdict(dict)
    for job in _with_files(evidence):
        known = seen[evidence.computation(job.request_id)]
        first = next(iter(known.values()), job)
        if known.setdefault(job.contents, job) is job is not first:
            yield f"has other files than {first.id}, which equals it", job.id, job.request_id


def unlike_jobs_have_unlike_files(evidence: Evidence) -> Found:
    """Nobody gets what was computed for somebody else."""
    owner: dict[str, FinalJob] = {}
    for job in _with_files(evidence):
        first = owner.setdefault(job.contents, job)
        mine, theirs = (evidence.computation(each.request_id) for each in (job, first))
        if mine != theirs:
            yield f"has the files of {first.id}, which asked for another", job.id, job.request_id


def a_result_is_of_what_was_asked(evidence: Evidence) -> Found:
    """A result names the layer and the seed of the request."""
    for job in _with_files(evidence):
        wanted = evidence.wanted[job.request_id]
        if job.ran != (wanted.layer, wanted.seed):
            words = f"asked for {wanted.layer} with seed {wanted.seed} and got {job.ran}"
            yield words, job.id, job.request_id


def a_follower_has_what_its_leader_has(evidence: Evidence) -> Found:
    """Who shares a run ends as whoever ran: in the same state, with the same result and files."""
    for job in evidence.found:
        leader = evidence.jobs.get(job.origin)
        if leader is None or leader.code != OK or job.state == "CANCELLED":
            continue  # a leader may be deleted, and any follower cancelled
        differing = [name for name in _SHARED if getattr(job, name) != getattr(leader, name)]
        if differing:
            words = f"shares the run of {leader.id}, and differs in {', '.join(differing)}"
            yield words, job.id, job.request_id
        mine, theirs = (evidence.computation(each.request_id) for each in (job, leader))
        if mine != theirs:
            yield f"shares the run of {leader.id}, which asked for another", job.id, job.request_id


def who_is_cancelled_was_meant(evidence: Evidence) -> Found:
    """A cancellation ends the job that it names, and no other; of an audit, its inversions too."""
    meant = {entry.id for entry in evidence.entries if entry.operation == "cancel"}
    failed = {job.id for job in evidence.found if job.audit and job.state == "FAILED"}
    for job in evidence.found:
        audit, _ = of_audit(job.request_id)
        if job.state == "CANCELLED" and not {job.id, audit} & (meant | failed):
            yield "is cancelled, and nobody asked for that", job.id, job.request_id


COMPARISONS: Final[tuple[Callable[[Evidence], Found], ...]] = (
    equal_jobs_have_equal_files,
    unlike_jobs_have_unlike_files,
    a_result_is_of_what_was_asked,
    a_follower_has_what_its_leader_has,
    who_is_cancelled_was_meant,
)


def _with_files(evidence: Evidence) -> list[FinalJob]:
    """What succeeded and was read whole; what was not, other checks find."""
    return [job for job in evidence.found if job.contents and job.request_id in evidence.wanted]
