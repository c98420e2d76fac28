"""The ridge decoder against its primal form, and its shortcut against leaving one out."""

import numpy as np
import pytest

from preimage_worker.audit.measures import decoder, distances, recovery
from preimage_worker.audit.measures.pictures import Floats
from tests.worker.audit.measures import natural

PICTURES = natural.pictures(60, side=8)
NEW = natural.pictures(10, side=8, seed=1)
ELEMENTS = 8 * 8 * 3


def codes(pictures: Floats, length: int, noise: float = 0.0) -> Floats:
    """A fixed random linear map, and a constant far from 0."""
    weights = natural.generator(7).normal(size=(ELEMENTS, length))
    clean = 3 + pictures.reshape(len(pictures), -1) @ weights
    return np.asarray(clean + noise * natural.generator(8).normal(size=clean.shape))


def primal(x: Floats, y: Floats, strength: float, at: Floats) -> Floats:
    """Ridge regression with a free constant, as it stands in textbooks, not clamped."""
    centred, mean = x - x.mean(0), y.mean(0)
    penalty = strength * np.eye(x.shape[1])
    weights = np.linalg.solve(centred.T @ centred + penalty, centred.T @ (y - mean))
    return np.asarray(mean + (at - x.mean(0)) @ weights)


def absolute(x: Floats, relative: float) -> float:
    return relative * float(np.square(x - x.mean(0)).sum()) / len(x)


@pytest.mark.parametrize("length", [5, 30, 200], ids=["d < n", "d < n, most", "d > n"])
@pytest.mark.parametrize("strength", [1e-3, 1.0])
def test_the_dual_form_is_the_primal_one(length: int, strength: float) -> None:
    x, y = codes(PICTURES, length), PICTURES.reshape(60, -1)
    found = decoder.fit(x, PICTURES, (strength,)).decode(codes(NEW, length))
    expected = primal(x, y, absolute(x, strength), codes(NEW, length))
    np.testing.assert_allclose(found.reshape(10, -1), np.clip(expected, 0, 1), atol=1e-9)


@pytest.mark.parametrize("length", [5, 200])
@pytest.mark.parametrize("strength", [1e-3, 1.0, 1e3])
def test_the_left_out_error_is_that_of_refitting_without_each_picture(
    length: int, strength: float
) -> None:
    x, y = codes(PICTURES, length, noise=1.0), PICTURES.reshape(60, -1)
    ridge = absolute(x, strength)
    kept = [np.arange(60) != i for i in range(60)]
    left = [y[i] - primal(x[keep], y[keep], ridge, x[i]) for i, keep in enumerate(kept)]
    expected = np.square(left).sum(1)
    values, vectors = np.linalg.eigh(distances.products(x, x, x))
    found = decoder.left_out(values, vectors, distances.products(y, y, y), ridge)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    fitted = decoder.fit(x, PICTURES, (strength,))
    assert fitted.errors == pytest.approx([expected.mean() / ELEMENTS])


def test_the_strength_is_the_one_with_the_least_left_out_error() -> None:
    fitted = decoder.fit(codes(PICTURES, 100, noise=20.0), PICTURES)
    chosen = int(np.argmin(fitted.errors))
    assert fitted.strength == decoder.RELATIVE_STRENGTHS[chosen]
    assert 0 < chosen < len(fitted.errors) - 1
    assert fitted.errors[chosen] < min(fitted.errors[0], fitted.errors[-1])


def test_more_noise_asks_for_more_strength() -> None:
    strengths = [
        decoder.fit(codes(PICTURES, 100, noise), PICTURES).strength for noise in (0.1, 10, 100)
    ]
    assert strengths == sorted(strengths)
    assert strengths[0] < strengths[-1]


def test_enough_clean_linear_codes_are_decoded_to_the_picture() -> None:
    many, some = natural.pictures(300, side=8), natural.pictures(20, side=8, seed=2)
    found = decoder.fit(codes(many, 250), many).decode(codes(some, 250))
    assert (
        recovery.fve(recovery.mse(found, some), recovery.mse_of_one(many.mean(0), some)).min()
        > 0.99
    )


def test_codes_of_something_else_are_decoded_to_nearly_the_mean_picture() -> None:
    unrelated = natural.generator().normal(size=(60, 100))
    found = decoder.fit(unrelated, PICTURES).decode(natural.generator(1).normal(size=(10, 100)))
    away = np.square(found - PICTURES.mean(0)).mean()
    assert away < 0.1 * np.square(NEW - PICTURES.mean(0)).mean()


def test_equal_codes_are_decoded_to_the_mean_picture() -> None:
    found = decoder.fit(np.ones((60, 10)), PICTURES).decode(np.ones((2, 10)))
    np.testing.assert_allclose(found, np.broadcast_to(PICTURES.mean(0), found.shape))


def test_pictures_are_clamped_and_have_the_shape_of_pictures() -> None:
    found = decoder.fit(codes(PICTURES, 50), PICTURES).decode(1000 + codes(NEW, 50))
    assert found.shape == NEW.shape
    assert found.min() == 0
    assert found.max() == 1


def test_decoding_in_stretches_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = decoder.fit(codes(PICTURES, 50).astype(np.float32), PICTURES.astype(np.float32))
    whole = fitted.decode(codes(NEW, 50))
    monkeypatch.setattr(distances, "_BYTES_AT_ONCE", 70 * 8 * 5)
    np.testing.assert_allclose(fitted.decode(codes(NEW, 50)), whole, atol=1e-12)


@pytest.mark.parametrize("count", [1, 59])
def test_a_decoder_needs_a_code_for_each_of_two_pictures_or_more(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} codes"):
        decoder.fit(np.ones((count, 4)), PICTURES[: max(count, 1)] if count == 1 else PICTURES)


@pytest.mark.parametrize("strengths", [(), (0.0, 1.0)])
def test_a_decoder_without_a_penalty_is_refused(strengths: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        decoder.fit(codes(PICTURES, 5), PICTURES, strengths)
