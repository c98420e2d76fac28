"""Figures of pictures against closed forms and scikit-image."""

import math

import numpy as np
import pytest
from skimage.metrics import (
    mean_squared_error,
    peak_signal_noise_ratio,
    structural_similarity,
)

from preimage_worker.audit.measures import recovery
from preimage_worker.audit.measures.pictures import Floats
from preimage_worker.audit.measures.recovery import Missing
from tests.worker.audit.measures import natural

ORIGINALS = natural.pictures(6, side=24)
OTHERS = natural.pictures(6, side=24, seed=1)
MEAN = ORIGINALS.mean(0)


def given(values: Floats | Missing) -> Floats:
    assert not isinstance(values, Missing)
    return values


def test_errors_are_scikit_images_picture_by_picture() -> None:
    found = recovery.measure(OTHERS, ORIGINALS, MEAN)
    for i, (one, original) in enumerate(zip(OTHERS, ORIGINALS, strict=True)):
        assert found.mse[i] == pytest.approx(mean_squared_error(original, one))
        psnr = peak_signal_noise_ratio(original, one, data_range=1)
        assert found.psnr_db[i] == pytest.approx(psnr)
        likeness = structural_similarity(
            original,
            one,
            data_range=1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            channel_axis=2,
        )
        assert given(found.ssim)[i] == pytest.approx(likeness)


def test_a_shift_of_a_tenth_has_20_db() -> None:
    dark = np.full((1, 12, 12, 3), 0.4)
    found = recovery.measure(dark + 0.1, dark, dark[0])
    assert found.mse == pytest.approx([0.01])
    assert found.psnr_db == pytest.approx([20.0])


def test_ssim_of_two_flat_pictures_is_its_luminance_term() -> None:
    a, b = 0.4, 0.5
    found = recovery.ssim(np.full((1, 11, 11, 1), a), np.full((1, 11, 11, 1), b))
    expected = (2 * a * b + 0.01**2) / (a**2 + b**2 + 0.01**2)
    assert given(found) == pytest.approx([expected])


def test_psnr_is_of_each_picture_not_of_their_pooled_error() -> None:
    error = np.array([0.1, 0.001])
    assert recovery.psnr_db(error) == pytest.approx([10, 30])
    assert recovery.psnr_db(error).mean() != pytest.approx(-10 * math.log10(error.mean()))


def test_a_mean_picture_of_an_mse_of_0_0539_has_12_7_db() -> None:
    assert recovery.psnr_db(np.array([0.0539])) == pytest.approx([12.68], abs=0.01)


def test_originals_are_recovered_perfectly() -> None:
    found = recovery.measure(ORIGINALS, ORIGINALS, MEAN)
    assert (found.mse == 0).all()
    assert (found.psnr_db == recovery.EQUAL_PSNR_DB).all()
    assert (found.fve == 1).all()
    assert given(found.ssim) == pytest.approx(np.ones(6))


def test_the_mean_picture_recovers_nothing() -> None:
    found = recovery.measure(np.broadcast_to(MEAN, ORIGINALS.shape), ORIGINALS, MEAN)
    assert (found.fve == 0).all()


def test_half_of_the_way_from_the_mean_to_the_original_explains_three_quarters() -> None:
    found = recovery.measure((ORIGINALS + MEAN) / 2, ORIGINALS, MEAN)
    assert found.fve == pytest.approx(np.full(6, 0.75))


def test_worse_than_the_mean_is_clipped_at_0_picture_by_picture() -> None:
    ruined = ORIGINALS.copy()
    ruined[:3] = 1 - ruined[:3].round()
    assert recovery.measure(ruined, ORIGINALS, MEAN).fve.tolist() == [0, 0, 0, 1, 1, 1]


def test_a_picture_that_is_the_mean_has_nothing_to_recover() -> None:
    assert recovery.fve(np.array([0.0, 0.1]), np.array([0.0, 0.0])).tolist() == [0, 0]


@pytest.mark.parametrize("channels", [1, 3])
def test_eleven_pixels_have_a_structural_similarity(channels: int) -> None:
    small = natural.pictures(2, side=11, channels=channels)
    assert given(recovery.ssim(small, small)) == pytest.approx([1, 1])


def test_ten_pixels_have_none_and_the_report_says_why() -> None:
    small = natural.pictures(2, side=10)
    found = recovery.measure(small, small, small[0])
    assert isinstance(found.ssim, Missing)
    assert "11 pixels" in found.ssim.reason
    assert "a side of 10" in found.ssim.reason


def test_there_is_no_lpips_without_weights_and_the_report_says_why() -> None:
    found = recovery.measure(ORIGINALS, ORIGINALS, MEAN)
    assert isinstance(found.lpips, Missing)
    assert "weights" in found.lpips.reason


def test_single_precision_gives_the_figures_of_double() -> None:
    single = recovery.measure(OTHERS.astype(np.float32), ORIGINALS.astype(np.float32), MEAN)
    double = recovery.measure(OTHERS, ORIGINALS, MEAN)
    assert single.fve == pytest.approx(double.fve, abs=1e-6)
    assert given(single.ssim) == pytest.approx(given(double.ssim), abs=1e-5)


def test_a_mean_picture_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="mean picture"):
        recovery.measure(ORIGINALS, ORIGINALS, MEAN[1:])
