"""The checks on histories made by hand: each finds what is wrong in its own, and only that."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.chaos import checks
from tests.chaos.evidence import Change, Evidence, FinalJob
from tests.chaos.history import CALL, OK, RETURN, SEEN, Entry
from tests.chaos.witness import Claim, Deposition

JOB, REQUEST = "a" * 32, "c01-1"
CHANGES = (Change("QUEUED", 0, 1.0), Change("RUNNING", 1, 2.0), Change("SUCCEEDED", 1, 3.0))
GOOD = FinalJob(
    id=JOB,
    request_id=REQUEST,
    state="SUCCEEDED",
    end="e1",
    has_result=True,
    changes=CHANGES,
    files=(("0/picture.png", 10, 10),),
)
HEARD = Claim(sent=1.5, answered=2.1, attempts=frozenset({(JOB, 1)}))


def calls(*entries: tuple[str, dict[str, str]], job: str = JOB) -> list[Entry]:
    """Operations one after the other, each a call and its return."""
    found = []
    for number, (operation, facts) in enumerate(entries):
        at, names = float(number), {"request_id": facts.pop("request_id", ""), "id": job}
        common = {"client": "c01", "number": number, "operation": operation}
        found.append(Entry(at=at, phase=CALL, **common, **names))  # type: ignore[arg-type]
        done = {"code": OK, **names, **facts}
        found.append(Entry(at=at + 0.5, phase=RETURN, **common, **done))  # type: ignore[arg-type]
    return found


def evidence(*entries: Entry, job: FinalJob | None = GOOD, **fields: object) -> Evidence:
    accepted = calls(("create", {"request_id": REQUEST, "state": "QUEUED"}))
    jobs = {job.id: job} if job else {}
    testimony = Deposition(claims=(HEARD,), finishes=(JOB,))
    good = Evidence((*accepted, *entries), jobs, testimony)
    return replace(good, **fields)  # type: ignore[arg-type]


def succeeded(operation: str, end: str) -> tuple[str, dict[str, str]]:
    return operation, {"state": "SUCCEEDED", "end": end}


def dead(**changes: object) -> FinalJob:
    """The job as one that has no result."""
    ended = (*CHANGES[:-1], Change("FAILED", 1, 3.0))
    fields = {"state": "FAILED", "reason": "MAX_DELIVERIES", "has_result": False, "files": ()}
    return replace(GOOD, **{**fields, "changes": ended, **changes})  # type: ignore[arg-type]


def test_a_good_history_passes_every_check() -> None:
    entries = calls(
        succeeded("get", "e1"),
        ("download", {"detail": "0/picture.png d1"}),
        ("download", {"detail": "0/picture.png d1"}),
        ("create", {"request_id": REQUEST, "state": "SUCCEEDED", "end": "e1"}),
        ("cancel", {"state": "SUCCEEDED", "end": "e1"}),
        ("watch", {"code": "UNAVAILABLE"}),
    )
    assert checks.violations(evidence(*entries)) == []


def test_a_job_that_was_deleted_and_resubmitted_is_nobodys_fault() -> None:
    deleted = FinalJob(JOB, code="NOT_FOUND")
    entries = calls(succeeded("get", "e1"), ("delete", {}), ("get", {"code": "NOT_FOUND"}))
    again = calls(("create", {"request_id": REQUEST, "state": "QUEUED"}), job="b" * 32)
    fresh = replace(GOOD, id="b" * 32)
    testimony = Deposition((Claim(1.5, 2.1, frozenset({("b" * 32, 1)})),), ("b" * 32,))
    jobs = {deleted.id: deleted, fresh.id: fresh}
    said = evidence(*entries, *again, job=None, jobs=jobs, testimony=testimony)
    assert checks.violations(said) == []


BAD: dict[Callable[..., object], list[Evidence]] = {
    checks.accepted_is_never_lost: [
        evidence(job=None, testimony=Deposition((), ())),
        evidence(job=FinalJob(JOB, code="NOT_FOUND")),
    ],
    checks.accepted_ends: [
        evidence(job=dead(state="RUNNING", changes=CHANGES[:-1])),
    ],
    checks.an_end_never_changes: [
        evidence(*calls(succeeded("get", "e0"))),
        evidence(*calls(("get", {"state": "FAILED", "end": "e1"}))),
        evidence(Entry(5.0, "c02", 9, SEEN, "watch", id=JOB, state="CANCELLED")),
    ],
    checks.an_end_is_not_taken_back: [
        evidence(*calls(succeeded("get", "e1"), ("get", {"state": "RUNNING"}))),
    ],
    checks.finished_once: [
        evidence(job=replace(GOOD, changes=(*CHANGES, Change("SUCCEEDED", 2, 4.0)))),
        evidence(job=replace(GOOD, changes=(*CHANGES, Change("RUNNING", 2, 4.0)))),
        evidence(job=replace(GOOD, changes=CHANGES[:-1])),
        evidence(testimony=Deposition((HEARD,), (JOB, JOB))),
    ],
    checks.a_result_means_success: [
        evidence(job=replace(GOOD, has_result=False)),
        evidence(job=replace(GOOD, files=())),
        evidence(job=replace(GOOD, files=(("0/picture.png", 10, 9),))),
        evidence(job=replace(GOOD, files=(("0/picture.png", 10, None),))),
        evidence(job=dead(has_result=True)),
        evidence(job=dead(served_without_result=True)),
    ],
    checks.a_file_never_changes: [
        evidence(*calls(("download", {"detail": "a d1"}), ("download", {"detail": "a d2"}))),
    ],
    checks.cancelled_is_final: [
        evidence(*calls(("cancel", {"state": "CANCELLED"}))),
    ],
    checks.one_request_one_job: [
        evidence(*calls(("create", {"request_id": REQUEST}), job="b" * 32)),
        evidence(jobs={JOB: GOOD, "b" * 32: replace(GOOD, id="b" * 32)}),
    ],
    checks.deleted_for_good: [
        evidence(*calls(("delete", {}), succeeded("get", "e1"))),
    ],
    checks.failures_are_explained: [
        evidence(job=dead(reason="WORKER_ERROR")),
    ],
    checks.a_deleted_audit_takes_its_inversions_along: [
        evidence(
            *calls(("delete", {})),
            jobs={JOB: replace(GOOD, request_id=f"audit-{JOB}-x")},
            began=10.0,
        ),
    ],
    checks.every_claimed_job_reaches_its_worker: [
        evidence(testimony=Deposition((Claim(1.5, 2.1, frozenset()),), (JOB,))),
        evidence(testimony=Deposition((Claim(2.5, None, frozenset()),), (JOB,))),
    ],
    checks.refusals_are_of_the_storm: [
        evidence(*calls(("get", {"code": "INTERNAL"}))),
        evidence(*calls(("create", {"code": "INVALID_ARGUMENT"}))),
    ],
    checks.nothing_is_left: [
        evidence(leftovers=("{preimage}:sums would stay for ever",)),
    ],
}


@pytest.mark.parametrize("check", checks.GENERAL)
def test_a_check_finds_what_is_wrong_in_its_own_bad_histories(check: Callable[..., object]) -> None:
    assert BAD[check]
    for bad in BAD[check]:
        assert check.__name__ in {violation.check for violation in checks.violations(bad)}


@pytest.mark.parametrize(
    "claim", [Claim(1.5, None, frozenset()), Claim(1.5, 4.0, frozenset()), HEARD]
)
def test_an_attempt_that_nobody_heard_of_is_explained_by_a_claim_that_hung(claim: Claim) -> None:
    said = evidence(testimony=Deposition((claim,), (JOB,)))
    assert checks.violations(said) == []


def test_a_violation_is_told_with_the_history_of_its_job() -> None:
    bad = evidence(*calls(succeeded("get", "e0")))
    (violation,) = checks.violations(bad)
    told = "\n".join(checks.story(bad, violation))
    assert "create return" in told
    assert "get return" in told
    assert "QUEUED (attempt 0), RUNNING (attempt 1), SUCCEEDED (attempt 1)" in told
