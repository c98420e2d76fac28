"""Short campaigns against a frontend as its operator runs it, and against a worker."""

import pytest

from tests.fuzz import campaigns
from tests.fuzz.garbage import KINDS


async def test_no_mutated_call_is_internal_and_nothing_is_left_of_it() -> None:
    found = await campaigns.wire(1000, seed=3)
    assert found["calls"] == 1000
    assert {"OK", "INVALID_ARGUMENT", "NOT_FOUND"} <= set(found["codes"])
    assert found["findings"] == []


def test_after_garbage_of_every_kind_a_frontend_answers() -> None:
    found = campaigns.garbage(seed=3, rounds=1)
    assert len(found["connections"]) == 3 * len(KINDS)
    assert found["findings"] == []


@pytest.mark.slow
def test_no_mutated_job_that_is_accepted_breaks_a_worker() -> None:
    found = campaigns.jobs(40, seed=3)
    assert found["jobs"] == 40
    assert found["findings"] == []
