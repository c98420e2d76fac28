"""The scale: what is refused because its figures would mean something else."""

import numpy as np
import pytest

from preimage_worker.audit.measures import pictures
from tests.worker.audit.measures import natural


def test_every_level_survives_the_way_to_the_scale_and_back() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    assert pictures.from_levels(levels).max() == 1
    np.testing.assert_array_equal(pictures.to_levels(pictures.from_levels(levels)), levels)


def test_grey_levels_up_to_255_are_refused() -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        pictures.check(255 * natural.pictures(2), "originals")


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -0.01])
def test_what_is_not_a_level_is_refused(wrong: float) -> None:
    spoilt = natural.pictures(2)
    spoilt[1, 3, 3, 0] = wrong
    with pytest.raises(ValueError, match="from 0 to 1"):
        pictures.check(spoilt, "originals")


def test_bytes_are_refused_because_0_and_1_of_them_would_pass() -> None:
    with pytest.raises(ValueError, match="uint8"):
        pictures.check(np.ones((1, 8, 8, 3), np.uint8), "originals")  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(8, 8, 3), (0, 8, 8, 3), (1, 0, 8, 3)])
def test_arrays_without_pictures_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        pictures.check(np.zeros(shape), "originals")


def test_a_cropped_reconstruction_is_not_compared_with_the_whole_original() -> None:
    originals = natural.pictures(2)
    with pytest.raises(ValueError, match="cropped"):
        pictures.check_pairs(originals[:, 2:-2, 2:-2], originals)
