"""The comparisons of equal and unlike jobs on made-up ends: each finds its own, and only that."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.chaos import equality
from tests.chaos.claims import every_claimed_job_reaches_its_worker
from tests.chaos.evidence import Change, Evidence, FinalJob
from tests.chaos.history import CALL, Entry
from tests.chaos.orders import Wanted
from tests.chaos.witness import Claim, Deposition

WANTED = {
    "one": Wanted("x", "features.0", 1),
    "same": Wanted("x", "features.0", 1),
    "other": Wanted("y", "features.1", 2),
}
FIELDS = {"state": "SUCCEEDED", "result": "r", "contents": "p", "ran": ("features.0", 1)}
LEADER = FinalJob("a", "one", **FIELDS)  # type: ignore[arg-type]  # fields by name
FOLLOWER = replace(LEADER, id="b", request_id="same", origin="a")
OTHER = replace(LEADER, id="c", request_id="other", contents="q", ran=("features.1", 2))
CANCELLED = replace(FOLLOWER, state="CANCELLED", result="", contents="", ran=("", 0))
CANCELS = (Entry(1.0, "c01", 1, CALL, "cancel", id="b"),)


def evidence(*jobs: FinalJob, entries: tuple[Entry, ...] = ()) -> Evidence:
    return Evidence(entries, {job.id: job for job in jobs}, wanted=WANTED)


def found(said: Evidence) -> set[str]:
    return {check.__name__ for check in equality.COMPARISONS if list(check(said))}


@pytest.mark.parametrize(
    "said",
    [
        evidence(LEADER, FOLLOWER, OTHER),
        evidence(LEADER, replace(FOLLOWER, origin="", result="run again")),
        evidence(FinalJob("a", code="NOT_FOUND"), FOLLOWER),
        evidence(LEADER, CANCELLED, entries=CANCELS),
        evidence(FinalJob("a", "one", state="FAILED"), FinalJob("b", "same", state="FAILED")),
    ],
)
def test_what_may_happen_to_equal_jobs_passes(said: Evidence) -> None:
    assert found(said) == set()


BAD: dict[Callable[..., object], list[Evidence]] = {
    equality.equal_jobs_have_equal_files: [
        evidence(LEADER, replace(FOLLOWER, origin="", contents="else")),
    ],
    equality.unlike_jobs_have_unlike_files: [
        evidence(LEADER, replace(OTHER, contents="p")),
    ],
    equality.a_result_is_of_what_was_asked: [
        evidence(replace(LEADER, ran=("features.0", 2))),
        evidence(replace(LEADER, ran=("features.1", 1))),
    ],
    equality.a_follower_has_what_its_leader_has: [
        evidence(LEADER, replace(FOLLOWER, result="else")),
        evidence(LEADER, replace(FOLLOWER, state="FAILED")),
        evidence(replace(LEADER, state="CANCELLED"), FOLLOWER, entries=CANCELS),
        evidence(LEADER, replace(FOLLOWER, request_id="other")),
    ],
    equality.who_is_cancelled_was_meant: [
        evidence(LEADER, CANCELLED),
        evidence(replace(CANCELLED, id="a", origin=""), CANCELLED, entries=CANCELS),
    ],
}


@pytest.mark.parametrize("check", equality.COMPARISONS)
def test_a_comparison_finds_what_is_wrong_in_its_own_bad_ends(check: Callable[..., object]) -> None:
    assert BAD[check]
    for bad in BAD[check]:
        assert check.__name__ in found(bad)


RUNNING = (Change("QUEUED", 0, 1.0), Change("RUNNING", 1, 2.0), Change("SUCCEEDED", 1, 5.0))
HEARD = Deposition((Claim(1.5, 2.1, frozenset({("a", 1)})),), ("a",))


@pytest.mark.parametrize(("joined", "explained"), [(2.0, True), (3.0, True), (6.0, False)])
def test_an_attempt_is_explained_by_that_of_an_equal_job_while_it_is_under_way(
    joined: float, *, explained: bool
) -> None:
    leader = replace(LEADER, changes=RUNNING)
    follower = replace(FOLLOWER, changes=(Change("RUNNING", 1, joined),))
    said = replace(evidence(leader, follower), testimony=HEARD)
    assert bool(list(every_claimed_job_reaches_its_worker(said))) is not explained
