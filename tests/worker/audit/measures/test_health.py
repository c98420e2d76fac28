"""What shows that an attack did not work, and what does not."""

import numpy as np
import pytest

from preimage_worker.audit.measures import health, summary
from preimage_worker.audit.measures.health import FeatureErrors, Health


def judged(start: float, end: float, truth: float) -> Health:
    return health.judge(FeatureErrors(*(np.full(9, value) for value in (start, end, truth))))


def test_an_attack_that_came_near_the_codes_is_healthy() -> None:
    assert judged(1.2, 0.01, 0.0).healthy


def test_one_that_did_not_move_is_not() -> None:
    found = judged(1.2, 1.2, 0.0)
    assert not found.healthy
    assert "did not come nearer" in found.complaints[0]


def test_ending_farther_from_noisy_codes_than_the_original_is_a_complaint() -> None:
    found = judged(1.2, 0.5, 0.3)
    assert "farther from the codes than the originals" in found.complaints[0]
    assert judged(1.2, 0.3, 0.3).healthy
    assert judged(1.2, 0.1, 0.3).healthy


def test_a_single_diverged_attack_is_a_complaint_that_counts_it() -> None:
    end = np.full(9, 0.1)
    end[4] = np.nan
    found = health.judge(FeatureErrors(np.ones(9), end, np.zeros(9)))
    assert found.complaints == ("1 of 9 attacks diverged.",)


@pytest.mark.parametrize(("fve", "healthy"), [(0.996, True), (0.6, False), (0.0, False)])
def test_the_known_answer_has_to_be_found(fve: float, healthy: bool) -> None:  # noqa: FBT001
    values = np.clip(fve + np.linspace(-0.01, 0.004, 50), 0, 1)
    found = health.known_answer(summary.summarise(values, seed=0))
    assert found.healthy is healthy
    assert healthy or "known-answer control failed" in found.complaints[0]
