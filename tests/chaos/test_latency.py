"""Which submissions are compared with what we ask of the service, and which are left out."""

import pytest

from tests.chaos.history import CALL, NEMESIS, OK, RETURN, Entry
from tests.chaos.latency import BROKEN, REDIS_AWAY, START, UNDISTURBED, figures, submit_ms
from tests.chaos.nemesis import CALM, DONE, KILL_FRONTEND, KILL_REDIS, KILL_WORKER


def operation(  # noqa: PLR0917 - a line of a table
    client: str, number: int, kind: str, start: float, end: float, code: str = OK
) -> list[Entry]:
    return [
        Entry(start, client, number, CALL, kind),
        Entry(end, client, number, RETURN, kind, code=code),
    ]


def fault(kind: str, start: float, end: float) -> list[Entry]:
    return operation(NEMESIS, 1, kind, start, end, DONE)


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("cut clients", BROKEN),
        ("delay clients", BROKEN),
        ("hold frontend", BROKEN),
        (KILL_FRONTEND, BROKEN),
        (KILL_REDIS, REDIS_AWAY),
        (CALM, START),
        (KILL_WORKER, UNDISTURBED),
        ("reset workers", UNDISTURBED),
    ],
)
def test_a_submission_counts_with_the_fault_that_was_on_its_way(kind: str, why: str) -> None:
    before = operation("c01", 2, "create", 1.0, 2.0)
    during = operation("c01", 3, "create", 2.9, 3.1)
    just_after = operation("c01", 4, "create", 5.9, 6.1)
    later = operation("c01", 5, "create", 6.1, 6.2)
    entries = [*before, *during, *fault(kind, 3.0, 5.0), *just_after, *later]
    number = {each: len(times) for each, times in submit_ms(entries).items()}
    assert number == ({UNDISTURBED: 4} if why == UNDISTURBED else {UNDISTURBED: 2, why: 2})


def test_what_is_left_out_is_said() -> None:
    entries = [
        *fault("delay clients", 1.0, 3.0),
        *operation("c01", 2, "create", 2.0, 2.5),
        *operation("c01", 3, "create", 7.0, 7.01),
        *operation("c01", 4, "create", 8.0, 9.0, code="UNAVAILABLE"),
        *operation("sdk-02", 5, "create", 10.0, 10.02),
    ]
    said = figures(entries)
    assert said["submit_ms"]["number"] == 1
    assert said["submit_ms"]["p99"] == pytest.approx(10.0)
    assert said["submit_ms"]["excluded"] == {
        "calls while all connected": 0,
        "calls while Redis was away": 0,
        "calls under proxy or frontend faults": 1,
        "calls through the SDK": 1,
    }
    assert said["submit_ms_apart"]["under proxy or frontend faults"]["p99"] == pytest.approx(500.0)
    assert said["submit_ms_apart"]["through the SDK, undisturbed"]["p99"] == pytest.approx(20.0)
