"""The checks on audits' histories made by hand: an audit is held to what a job is held to."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from preimage_orders import inversion_prefix
from tests.chaos import checks, equality
from tests.chaos.audit_orders import make_audit
from tests.chaos.evidence import Change, Evidence, FinalJob
from tests.chaos.history import CALL, OK, RETURN, Entry
from tests.chaos.witness import Claim, Deposition

ID, REQUEST, OWNER = "a" * 32, "owner-00-1", "owner-00"
CHANGES = (Change("QUEUED", 0, 101.0), Change("RUNNING", 1, 102.0), Change("SUCCEEDED", 1, 103.0))
AUDIT = FinalJob(
    id=ID,
    request_id=REQUEST,
    state="SUCCEEDED",
    end="e1",
    has_result=True,
    changes=CHANGES,
    files=(("report.json", 10, 10),),
    contents="r",
    ran=("features.0", 0),
    audit=True,
)
CANCELLED = replace(
    AUDIT,
    state="CANCELLED",
    has_result=False,
    files=(),
    contents="",
    changes=(*CHANGES[:-1], Change("CANCELLED", 1, 103.0)),
)
FAILED = replace(
    CANCELLED,
    state="FAILED",
    reason="WORKER_ERROR",
    changes=(*CHANGES[:-1], Change("FAILED", 1, 103.0)),
)
HEARD = frozenset({(ID, 1), ("b" * 32, 1), ("c" * 32, 1)})


def inversion(state: str, reason: str = "", at: float = 102.5) -> FinalJob:
    """One that an audit has left behind; it ended without a picture."""
    changes = (Change("QUEUED", 0, at), Change("RUNNING", 1, at), Change(state, 1, at))
    request = f"{inversion_prefix(ID)}{'f' * 20}"
    return FinalJob("b" * 32, request, state=state, reason=reason, end="i", changes=changes)


def asked(operation: str, at: float, **facts: str) -> tuple[Entry, Entry]:
    """What an owner asked, and what was said."""
    names = {"client": OWNER, "number": int(10 * at), "operation": operation, "id": ID}
    said = {**names, "code": OK, **facts}
    return (
        Entry(at, phase=CALL, **names),  # type: ignore[arg-type]  # fields by name
        Entry(at + 0.1, phase=RETURN, **said),  # type: ignore[arg-type]
    )


CREATED = asked("create", 1.0, request_id=REQUEST, state="QUEUED")
CANCEL = asked("cancel", 2.0, state="CANCELLED", end="e1")
DELETE = asked("delete", 5.0)


def evidence(*jobs: FinalJob, entries: tuple[Entry, ...] = ()) -> Evidence:
    requests = (REQUEST, "owner-00-2")
    return Evidence(
        (*CREATED, *entries),
        {job.id: job for job in jobs},
        Deposition((Claim(101.5, 102.1, HEARD),), (ID,)),
        began=100.0,
        wanted={each: make_audit(0, each).wanted for each in requests},
    )


@pytest.mark.parametrize(
    "said",
    [
        evidence(AUDIT),
        evidence(AUDIT, replace(AUDIT, id="c" * 32, request_id="owner-00-2")),
        evidence(CANCELLED, inversion("CANCELLED"), entries=CANCEL),
        evidence(FAILED, inversion("FAILED", "MAX_DELIVERIES")),
        evidence(replace(FAILED, reason="MAX_DELIVERIES"), inversion("CANCELLED")),
        evidence(FinalJob(ID, code="NOT_FOUND"), entries=DELETE),
        # Its auditor had not heard of it yet; what it brought then expires.
        evidence(
            FinalJob(ID, code="NOT_FOUND"),
            inversion("FAILED", "MAX_DELIVERIES", at=105.05),
            entries=DELETE,
        ),
    ],
)
def test_what_may_become_of_an_audit_passes(said: Evidence) -> None:
    assert checks.violations(said) == []


BAD: list[tuple[Callable[..., object], Evidence]] = [
    (checks.accepted_is_never_lost, evidence()),
    (checks.accepted_is_never_lost, evidence(FinalJob(ID, code="NOT_FOUND"))),
    (checks.accepted_ends, evidence(replace(CANCELLED, state="RUNNING", changes=CHANGES[:-1]))),
    (checks.accepted_ends, evidence(AUDIT, inversion("QUEUED"))),
    (checks.an_end_never_changes, evidence(AUDIT, entries=asked("get", 4.0, state="FAILED"))),
    (checks.finished_once, evidence(replace(AUDIT, changes=(*CHANGES, CHANGES[-1])))),
    (checks.a_result_means_success, evidence(replace(AUDIT, has_result=False, files=()))),
    (checks.a_result_means_success, evidence(replace(AUDIT, files=(("report.md", 10, None),)))),
    (
        checks.a_result_means_success,
        evidence(replace(CANCELLED, served_without_result=True), entries=CANCEL),
    ),
    (checks.cancelled_is_final, evidence(AUDIT, entries=CANCEL)),
    (checks.one_request_one_job, evidence(AUDIT, replace(AUDIT, id="c" * 32))),
    (checks.failures_are_explained, evidence(FAILED)),
    (checks.failures_are_explained, evidence(FAILED, inversion("CANCELLED"))),
    (checks.failures_are_explained, evidence(FAILED, inversion("FAILED", "WORKER_ERROR"))),
    (
        checks.a_deleted_audit_takes_its_inversions_along,
        evidence(
            FinalJob(ID, code="NOT_FOUND"), inversion("FAILED", "MAX_DELIVERIES"), entries=DELETE
        ),
    ),
    (checks.every_claimed_job_reaches_its_worker, evidence(replace(AUDIT, id="e" * 32))),
    (equality.who_is_cancelled_was_meant, evidence(AUDIT, inversion("CANCELLED"))),
    (equality.a_result_is_of_what_was_asked, evidence(replace(AUDIT, ran=("features.1", 0)))),
    (
        equality.equal_jobs_have_equal_files,
        evidence(AUDIT, replace(AUDIT, id="c" * 32, request_id="owner-00-2", contents="other")),
    ),
]


@pytest.mark.parametrize(("check", "said"), BAD)
def test_a_check_finds_what_is_wrong_with_an_audit(
    check: Callable[..., object], said: Evidence
) -> None:
    assert check.__name__ in {violation.check for violation in checks.violations(said)}


def test_equal_audits_ask_for_equal_inversions() -> None:
    second = replace(CREATED[1], id="c" * 32, request_id="owner-00-2")
    said = evidence(AUDIT, entries=(second,))
    mine, other = (f"{inversion_prefix(each)}{'f' * 20}" for each in (ID, "c" * 32))
    assert said.computation(mine) == said.computation(other) != ""
    assert said.computation(mine) != said.computation(f"{inversion_prefix(ID)}{'e' * 20}")
    assert said.computation(mine) != said.computation(REQUEST)
    assert said.computation(f"{inversion_prefix('d' * 32)}{'f' * 20}") == ""
