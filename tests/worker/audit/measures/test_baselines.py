"""The lowest rungs: what they are made of."""

import numpy as np
import pytest

from preimage_worker.audit.measures import baselines
from tests.worker.audit.measures import natural

AUXILIARY = natural.pictures(40, side=8)


def test_the_mean_picture_has_the_least_error_of_all_single_pictures() -> None:
    mean = baselines.mean_picture(AUXILIARY)
    error = np.square(AUXILIARY - mean).mean()
    for other in AUXILIARY:
        assert np.square(AUXILIARY - other).mean() > error
    moved = np.square(AUXILIARY - mean - 0.01).mean()
    assert moved == pytest.approx(error + 1e-4)


def test_the_mean_colour_is_one_colour_of_the_pictures_size() -> None:
    colour = baselines.mean_colour(AUXILIARY)
    assert colour.shape == AUXILIARY.shape[1:]
    assert colour.std((0, 1)).max() == pytest.approx(0, abs=1e-15)
    assert colour[0, 0] == pytest.approx(AUXILIARY.reshape(-1, 3).mean(0))


def test_random_pictures_are_drawn_by_the_seed() -> None:
    guess = baselines.random_picture(AUXILIARY, 12, seed=4)
    np.testing.assert_array_equal(guess.pictures, AUXILIARY[guess.indices])
    again = baselines.random_picture(AUXILIARY, 12, seed=4)
    other = baselines.random_picture(AUXILIARY, 12, seed=5)
    assert again.indices.tolist() == guess.indices.tolist() != other.indices.tolist()
    assert len(set(guess.indices.tolist())) > 6


def test_the_first_targets_get_the_same_random_pictures_whatever_their_number() -> None:
    few = baselines.random_picture(AUXILIARY, 3, seed=4)
    many = baselines.random_picture(AUXILIARY, 30, seed=4)
    assert few.indices.tolist() == many.indices[:3].tolist()


def test_the_nearest_code_decides_which_picture_it_is() -> None:
    codes = natural.generator().normal(size=(40, 2, 5))
    wanted = np.array([7, 0, 39])
    released = codes[wanted] + 1e-3 * natural.generator(1).normal(size=(3, 2, 5))
    guess = baselines.nearest(released, codes, AUXILIARY)
    assert guess.indices.tolist() == wanted.tolist()
    np.testing.assert_array_equal(guess.pictures, AUXILIARY[wanted])


def test_codes_of_other_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="39 codes of 40"):
        baselines.nearest(np.zeros((1, 5)), np.zeros((39, 5)), AUXILIARY)
