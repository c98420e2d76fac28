"""What people type into fields."""

import pytest

from preimage import BadInput
from preimage.parts import Size
from preimage.ui.reading import read_factors, read_size, read_strength


@pytest.mark.parametrize("text", ["256 x 192", "256×192", " 256, 192 ", "256X192", "256 192"])
def test_a_size_is_width_and_height(text: str) -> None:
    assert read_size(text) == Size(height=192, width=256)


def test_an_empty_field_is_left_to_the_preset() -> None:
    assert read_size(" ") is None
    assert read_strength("") is None


def test_strengths_are_numbers_or_auto() -> None:
    assert read_strength(" 0.5") == 0.5
    assert read_strength("Auto") == "auto"
    assert read_factors("0.1, 1; 10 1") == (0.1, 1.0, 10.0)


@pytest.mark.parametrize("text", ["256", "256 x", "-1 x 3", "wide x high", "1 x 2 x 3"])
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"is not WIDTH x HEIGHT in pixels, like 256 x 192\."):
        read_size(text)


@pytest.mark.parametrize("text", ["strong", "-1", "inf", "nan", "1e999"])
def test_other_strengths_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match="is no factor of the priors"):
        read_strength(text)
    with pytest.raises(BadInput, match="is no factor of the priors"):
        read_factors(f"1, {text}")


def test_a_comparison_needs_a_factor() -> None:
    with pytest.raises(BadInput, match="Name at least one factor"):
        read_factors(" , ")
