"""Wilson's interval, the exact tail and the bootstrap against what is known of them."""

import math

import numpy as np
import pytest

from preimage_worker.audit.measures import intervals
from preimage_worker.audit.measures.pictures import Floats
from tests.worker.audit.measures import natural

Z = 1.959963984540054


def mean(values: Floats) -> Floats:
    return np.asarray(values.mean(-1))


@pytest.mark.parametrize(("trials", "upper"), [(24, 0.138), (100, 0.037)])
def test_no_success_has_the_known_upper_limit(trials: int, upper: float) -> None:
    found = intervals.wilson(0, trials)
    assert (found.estimate, found.lower) == (0, 0)
    assert found.upper == pytest.approx(upper, abs=5e-4)
    assert found.upper == pytest.approx(Z**2 / (trials + Z**2))


@pytest.mark.parametrize(("successes", "trials"), [(1, 7), (3, 100), (50, 100), (99, 100)])
def test_wilsons_limits_are_where_the_score_test_just_rejects(successes: int, trials: int) -> None:
    found = intervals.wilson(successes, trials)
    for limit in (found.lower, found.upper):
        score = (successes / trials - limit) / math.sqrt(limit * (1 - limit) / trials)
        assert abs(score) == pytest.approx(Z)


def test_failures_have_the_mirrored_interval_of_successes() -> None:
    some, rest = intervals.wilson(13, 40), intervals.wilson(27, 40)
    assert (some.lower, some.upper) == pytest.approx((1 - rest.upper, 1 - rest.lower))
    assert intervals.wilson(40, 40).upper == 1


def test_shared_hits_count_as_their_sum() -> None:
    assert intervals.rate([0.5, 0.5, 1, 0]) == intervals.wilson(2, 4)


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (-1, 5), (6, 5)])
def test_impossible_counts_have_no_interval(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="a rate needs trials"):
        intervals.wilson(successes, trials)


@pytest.mark.parametrize(("successes", "trials", "chance"), [(1, 24, 1 / 502), (3, 100, 0.01)])
def test_the_exact_tail_is_the_sum_of_the_binomial(
    successes: int, trials: int, chance: float
) -> None:
    below = sum(
        math.comb(trials, k) * chance**k * (1 - chance) ** (trials - k) for k in range(successes)
    )
    assert intervals.at_least(successes, trials, chance) == pytest.approx(1 - below)
    # Both lie above chance by Wilson's limit, and neither is rare enough.
    assert intervals.wilson(successes, trials).lower > chance
    assert intervals.at_least(successes, trials, chance) > 0.025


def test_no_success_or_less_than_one_is_no_surprise() -> None:
    assert intervals.at_least(0, 10, 0.5) == 1
    assert intervals.at_least(0.9, 10, 0.5) == 1


def test_the_bootstrap_of_a_mean_is_the_normal_interval_where_there_are_many() -> None:
    values = natural.generator().normal(3, 2, 1000)
    found = intervals.bootstrap(values, mean, seed=1)
    half = Z * values.std() / math.sqrt(len(values))
    assert found.estimate == pytest.approx(values.mean())
    assert found.lower == pytest.approx(values.mean() - half, abs=half / 10)
    assert found.upper == pytest.approx(values.mean() + half, abs=half / 10)


def test_nineteen_of_twenty_intervals_hold_the_true_mean() -> None:
    samples = natural.generator().exponential(1, (400, 50))
    found = [intervals.bootstrap(sample, mean, seed=1, resamples=400) for sample in samples]
    held = sum(one.lower <= 1 <= one.upper for one in found)
    # 50 skewed values: somewhat less than 95 %, as is known of percentiles.
    assert 0.88 <= held / len(samples) <= 0.98


@pytest.mark.parametrize(("pictures", "t"), [(8, 2.365), (24, 2.069)])
def test_of_few_it_is_students_interval(pictures: int, t: float) -> None:
    samples = natural.generator().normal(3, 2, (300, pictures))
    found = [intervals.bootstrap(sample, mean, seed=1) for sample in samples]
    held = sum(one.lower <= 3 <= one.upper for one in found)
    assert held / len(samples) >= 0.92, "of 8, bare percentiles hold it in 88 to 91 of 100"
    spreads = samples.std(-1, ddof=1) * t / math.sqrt(pictures)
    widths = np.array([one.upper - one.lower for one in found]) / 2
    assert np.median(widths / spreads) == pytest.approx(1, abs=0.06)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    values = natural.generator().normal(size=40)
    first = intervals.bootstrap(values, mean, seed=5)
    assert intervals.bootstrap(values, mean, seed=5) == first
    assert intervals.bootstrap(values, mean, seed=6) != first


def test_intervals_of_one_seed_are_of_the_same_resamples() -> None:
    values = natural.generator().normal(size=40)
    first = intervals.bootstrap(values, mean, seed=5)
    shifted = intervals.bootstrap(10 - 2 * values, mean, seed=5)
    assert (shifted.lower, shifted.upper) == pytest.approx(
        (10 - 2 * first.upper, 10 - 2 * first.lower)
    )


def test_many_values_are_resampled_in_parts_with_the_same_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = natural.generator().normal(size=40)
    whole = intervals.bootstrap(values, mean, seed=5)
    monkeypatch.setattr(intervals, "_ELEMENTS_AT_ONCE", 120)
    assert intervals.bootstrap(values, mean, seed=5) == whole


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [[1.0]]])
def test_what_is_not_one_number_a_picture_has_no_interval(values: list[float]) -> None:
    with pytest.raises(ValueError, match="finite values"):
        intervals.bootstrap(np.array(values), mean, seed=0)
