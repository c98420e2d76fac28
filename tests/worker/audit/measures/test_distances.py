"""Distances against those of single pairs, whatever the stretches they are summed over."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import cdist, pdist

from preimage_worker.audit.measures import distances
from tests.worker.audit.measures import natural

A = natural.generator(1).normal(5, 1, (7, 4, 5, 6))
B = natural.generator(2).normal(5, 1, (9, 4, 5, 6))


def both() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return A.reshape(7, -1), B.reshape(9, -1)


@pytest.fixture(params=[1 << 26, 7 * 8 * 16], ids=["whole", "in stretches"])
def bounded(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances, "_BYTES_AT_ONCE", request.param)


def test_stretches_cover_every_element_within_the_bound() -> None:
    found = list(distances.stretches(1 << 20, 1100))
    assert found[0].start == 0
    assert [one.start for one in found[1:]] == [one.stop for one in found[:-1]]
    assert found[-1].stop >= 1 << 20
    assert (found[0].stop - found[0].start) * 1100 * 8 <= 1 << 26


@pytest.mark.usefixtures("bounded")
def test_squared_distances_are_scipys() -> None:
    np.testing.assert_allclose(distances.squared(A, B), cdist(*both(), "sqeuclidean"), rtol=1e-12)


@pytest.mark.usefixtures("bounded")
def test_cosine_distances_are_scipys() -> None:
    np.testing.assert_allclose(distances.cosine(A, B), cdist(*both(), "cosine"), atol=1e-13)


@pytest.mark.usefixtures("bounded")
def test_products_around_a_centre_are_those_of_centred_rows() -> None:
    a, b = both()
    centred = (a - b.mean(0)) @ (b - b.mean(0)).T
    np.testing.assert_allclose(distances.products(A, B, B), centred, rtol=1e-10, atol=1e-10)
    norms = np.square(a - b.mean(0)).sum(1)
    np.testing.assert_allclose(distances.squared_norms(A, B), norms)


def test_codes_far_from_zero_keep_the_digits_of_their_distance() -> None:
    far = 1e6 + B
    np.testing.assert_allclose(distances.squared(far, far), cdist(*[both()[1]] * 2) ** 2, rtol=1e-6)


@pytest.mark.parametrize("measure", [distances.squared, distances.cosine])
def test_a_row_has_no_distance_from_its_copy(measure: object) -> None:
    assert callable(measure)
    assert (np.diag(measure(B.astype(np.float32), B.astype(np.float32))) == 0).all()


def test_equal_rows_are_equally_far_from_everything() -> None:
    copies = np.broadcast_to(B[:1], B.shape)
    found = distances.squared(A, copies)
    np.testing.assert_allclose(found, found[:, :1].repeat(9, 1), rtol=1e-13)
    assert (distances.squared(copies, copies) == 0).all()


def test_what_has_no_direction_is_at_a_right_angle_to_everything() -> None:
    assert (distances.cosine(np.zeros((1, 4)), np.eye(4)) == 1).all()
    assert distances.cosine(np.eye(2), -np.eye(2)).tolist() == [[2, 1], [1, 2]]


def test_the_median_is_over_pairs_of_different_codes() -> None:
    assert distances.median_pairwise(B) == pytest.approx(np.median(pdist(both()[1])))
    with pytest.raises(ValueError, match="two codes"):
        distances.median_pairwise(B[:1])


def test_noise_is_measured_in_distances_between_codes() -> None:
    corners = np.array([[0.0, 0.0], [0.0, 4.0], [3.0, 0.0]])
    moved = corners + np.array([[0.0, 2.0], [4.0, 0.0], [0.0, 0.0]])
    assert distances.relative_noise(moved, corners, corners).tolist() == [0.5, 1, 0]


def test_noise_has_no_measure_among_equal_codes_or_of_other_codes() -> None:
    with pytest.raises(ValueError, match="no measure"):
        distances.relative_noise(A, A, np.ones((3, 120)))
    with pytest.raises(ValueError, match="differ in shape"):
        distances.relative_noise(A, B, B)


def test_codes_of_different_length_do_not_compare() -> None:
    with pytest.raises(ValueError, match="120 and of 60"):
        distances.squared(A, B[:, :2])
