"""What must hold after a storm. Each check finds what contradicts one promise of the service.

A check is a function from the evidence to violations. It knows nothing of faults: what it states
holds whatever was killed.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.chaos.claims import every_claimed_job_reaches_its_worker
from tests.chaos.equality import COMPARISONS
from tests.chaos.evidence import Evidence, Found, of_audit
from tests.chaos.history import CALL, OK, RETURN, TERMINAL, Entry

_LOST: Final = "MAX_DELIVERIES"
"""The one reason to fail that a storm can cause: three workers were lost with the job."""
_INVERSION_FAILED: Final = "WORKER_ERROR"
"""Of an audit, one of whose inversions failed."""

_ALLOWED: Final = frozenset(
    {OK, "UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "RESOURCE_EXHAUSTED"}
)
"""What any call may end with while processes die."""

_ALSO: Final = {
    "create": {"FAILED_PRECONDITION"},  # all workers are away
    # The SDK submits again what it watched and somebody else has deleted.
    **{key: {"NOT_FOUND", "FAILED_PRECONDITION"} for key in ("follow", "result")},
    "download": {"FAILED_PRECONDITION", "NOT_FOUND"},
    "delete": {"FAILED_PRECONDITION", "NOT_FOUND"},
    **{key: {"NOT_FOUND"} for key in ("get", "watch", "cancel")},
}
"""NOT_FOUND is for `lost` and `deleted_for_good` to judge."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken."""

    check: str
    sentence: str
    id: str = ""
    request_id: str = ""


def accepted_is_never_lost(evidence: Evidence) -> Found:
    """Every id that a Create returned is there, unless somebody has deleted it."""
    wanted_away = {entry.id for entry in evidence.entries if entry.operation == "delete"}
    for entry in evidence.entries:
        if entry.operation == "create" and entry.code == OK and entry.id not in wanted_away:
            job = evidence.jobs.get(entry.id)
            if job is None or job.code != OK:
                said = job.code if job else "nothing"
                yield f"accepted, and at the end the answer was {said}", entry.id, entry.request_id


def accepted_ends(evidence: Evidence) -> Found:
    """Every job is terminal once the queue has been given time."""
    for job in evidence.found:
        if job.state not in TERMINAL:
            yield f"is {job.state} after the storm", job.id, job.request_id


def an_end_never_changes(evidence: Evidence) -> Found:
    """No client ever saw another end than the one that is there now."""
    seen: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for entry in evidence.entries:
        if entry.terminal:
            seen[entry.id].add((entry.state, entry.end))
    for job in evidence.found:
        if job.state in TERMINAL:
            seen[job.id].add((job.state, job.end))
    for job_id, ends in seen.items():
        whole = {(state, end) for state, end in ends if end}
        if len(whole) > 1 or len({state for state, _ in ends}) > 1:
            said = ", ".join(f"{state} {end}" for state, end in sorted(ends))
            yield f"was seen with several ends: {said}", job_id, ""


def an_end_is_not_taken_back(evidence: Evidence) -> Found:
    """Whoever asks after an end was told sees an end."""
    ended: dict[str, float] = {}
    called = {(e.client, e.number): e.at for e in evidence.entries if e.phase == CALL}
    for entry in evidence.entries:
        asked = called.get((entry.client, entry.number), entry.at)
        before = ended.get(entry.id, asked) < asked
        if before and entry.state and not entry.terminal and entry.phase == RETURN:
            yield f"was {entry.state} after it had ended", entry.id, entry.request_id
        if entry.terminal:
            ended.setdefault(entry.id, entry.at)


def finished_once(evidence: Evidence) -> Found:
    """One end in the stream of events, as the last change; and at most one accepted finish."""
    for job in evidence.found:
        states = [change.state for change in job.changes]
        ends = sum(state in TERMINAL for state in states)
        if job.state in TERMINAL and (ends != 1 or states[-1] != job.state):
            yield f"went through {' → '.join(states)} and is {job.state}", job.id, job.request_id
    for job_id, number in Counter(evidence.testimony.finishes).items():
        if number > 1:
            yield f"{number} workers were told that their finish was accepted", job_id, ""


def a_result_means_success(evidence: Evidence) -> Found:
    """A result with all its files if the job succeeded, and none of it otherwise."""
    for job in evidence.found:
        succeeded = job.state == "SUCCEEDED"
        if succeeded != job.has_result or (succeeded and not job.files):
            has = "a result" if job.has_result else "no result"
            yield f"is {job.state} with {has} and {len(job.files)} files", job.id, job.request_id
        if job.served_without_result:
            yield f"is {job.state} and serves a picture", job.id, job.request_id
        for name, stated, got in job.files:
            if stated != got:
                yield f"{name} has {got} bytes instead of {stated}", job.id, job.request_id


def a_file_never_changes(evidence: Evidence) -> Found:
    """Everybody who downloads a file gets the same bytes."""
    contents: dict[tuple[str, str], set[str]] = defaultdict(set)
    for entry in evidence.entries:
        if entry.operation in ("download", "result") and entry.code == OK:
            words = entry.detail.split()
            for name, digest in zip(words[::2], words[1::2], strict=True):
                contents[entry.id, name].add(digest)
    for (job_id, name), digests in contents.items():
        if len(digests) > 1:
            yield f"{name} was downloaded as {sorted(digests)}", job_id, ""


def cancelled_is_final(evidence: Evidence) -> Found:
    """A cancellation that was confirmed holds."""
    for entry in evidence.entries:
        if entry.operation == "cancel" and entry.state == "CANCELLED":
            job = evidence.jobs.get(entry.id)
            if job and job.code == OK and job.state != "CANCELLED":
                yield f"was confirmed as cancelled and is {job.state}", job.id, job.request_id


def one_request_one_job(evidence: Evidence) -> Found:
    """A request_id leads to one id, over all resends; a deleted job frees it."""
    wanted_away = {entry.id for entry in evidence.entries if entry.operation == "delete"}
    told: dict[str, set[str]] = defaultdict(set)
    for entry in evidence.entries:
        if entry.operation == "create" and entry.code == OK:
            told[entry.request_id].add(entry.id)
    for job in evidence.found:
        if job.request_id:
            told[job.request_id].add(job.id)
    for request_id, ids in told.items():
        if len(ids) > 1 and not ids & wanted_away:
            yield f"led to {len(ids)} jobs: {', '.join(sorted(ids))}", min(ids), request_id


def deleted_for_good(evidence: Evidence) -> Found:
    """Whoever asks for a job after its deletion was confirmed is told that there is none."""
    gone: dict[str, float] = {}
    called = {(e.client, e.number): e.at for e in evidence.entries if e.phase == CALL}
    for entry in evidence.entries:
        asked = called.get((entry.client, entry.number), entry.at)
        if entry.phase == RETURN and entry.code == OK and gone.get(entry.id, asked) < asked:
            yield f"was deleted, and {entry.operation} still succeeds", entry.id, entry.request_id
        if entry.operation == "delete" and entry.code == OK:
            gone.setdefault(entry.id, entry.at)


def failures_are_explained(evidence: Evidence) -> Found:
    """The storm's own jobs are right, so only the loss of workers may fail them.

    An audit fails with an inversion of which that is true, and keeps it as long as itself.
    """
    failed = [job for job in evidence.found if job.state == "FAILED"]
    without = {of_audit(job.request_id)[0] for job in failed if job.reason == _LOST}
    for job in failed:
        explained = {_LOST, _INVERSION_FAILED} if job.audit and job.id in without else {_LOST}
        if job.reason not in explained:
            yield f"failed with {job.reason}", job.id, job.request_id


def a_deleted_audit_takes_its_inversions_along(evidence: Evidence) -> Found:
    """Once an audit is deleted nothing is left of what it had brought: it is of its pictures."""
    asked, gone = {}, {}
    for entry in evidence.entries:
        if entry.operation == "delete" and entry.phase == CALL:
            asked[entry.client, entry.number] = evidence.began + entry.at
        elif entry.operation == "delete" and entry.code == OK:
            gone[entry.id] = asked[entry.client, entry.number]
    for job in evidence.found:
        audit, _ = of_audit(job.request_id)
        if audit in gone and job.changes[0].at < gone[audit]:
            yield f"is there, and its audit {audit} was deleted", job.id, job.request_id


_CUT_WHILE_SENDING: Final = "Internal error from Core"
"""What gRPC's own client says where its connection ends while it sends; no server says that."""


def refusals_are_of_the_storm(evidence: Evidence) -> Found:
    """Right requests are refused only because something is away: never as wrong, never INTERNAL."""
    for entry in evidence.entries:
        if entry.phase != RETURN or entry.client in ("nemesis", "reader"):
            continue
        if entry.detail == _CUT_WHILE_SENDING:
            continue
        if entry.code not in _ALLOWED | _ALSO.get(entry.operation, set()):
            words = f"{entry.operation} ended with {entry.code}: {entry.detail}"
            yield words, entry.id, entry.request_id


def nothing_is_left(evidence: Evidence) -> Found:
    """When everything has been forgotten, only what expires by itself remains."""
    for leftover in evidence.leftovers:
        yield leftover, "", ""


GENERAL: Final[tuple[Callable[[Evidence], Found], ...]] = (
    accepted_is_never_lost,
    accepted_ends,
    an_end_never_changes,
    an_end_is_not_taken_back,
    finished_once,
    a_result_means_success,
    a_file_never_changes,
    cancelled_is_final,
    one_request_one_job,
    deleted_for_good,
    failures_are_explained,
    a_deleted_audit_takes_its_inversions_along,
    every_claimed_job_reaches_its_worker,
    refusals_are_of_the_storm,
    nothing_is_left,
)
CHECKS: Final = GENERAL + COMPARISONS


def violations(evidence: Evidence) -> list[Violation]:
    """Everything that any check finds."""
    return [
        Violation(check.__name__, sentence, job_id, request_id)
        for check in CHECKS
        for sentence, job_id, request_id in check(evidence)
    ]


def story(evidence: Evidence, violation: Violation) -> list[str]:
    """The history of the job that a violation is about: a line for each entry and change."""

    def concerns(entry: Entry) -> bool:
        same_request = violation.request_id and entry.request_id == violation.request_id
        return bool((violation.id and entry.id == violation.id) or same_request)

    lines = [entry.line() for entry in evidence.entries if concerns(entry)]
    job = evidence.jobs.get(violation.id)
    if job:
        changes = ", ".join(f"{each.state} (attempt {each.attempt})" for each in job.changes)
        lines.append(f"          the queue says: {changes or job.code}")
    return lines
