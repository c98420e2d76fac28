"""Numbers by lot that a report can be repeated with."""

import numpy as np

from preimage_worker.audit.measures import draws


def test_a_seed_gives_the_same_numbers_in_every_version() -> None:
    assert draws.indices(7, 1, (6,), 100).tolist() == [88, 36, 51, 33, 71, 71]


def test_seeds_and_purposes_give_others() -> None:
    first = draws.indices(7, 1, (50,), 1000)
    assert not np.array_equal(first, draws.indices(8, 1, (50,), 1000))
    assert not np.array_equal(first, draws.indices(7, 2, (50,), 1000))


def test_every_number_below_the_limit_is_drawn_as_often() -> None:
    counts = np.bincount(draws.indices(-1, 1, (100_000,), 10), minlength=10)
    assert len(counts) == 10
    # Five standard deviations of a binomial count.
    assert np.abs(counts - 10_000).max() < 5 * np.sqrt(100_000 * 0.1 * 0.9)
