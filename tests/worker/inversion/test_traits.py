"""What the solver knows of a representation."""

import pytest

from preimage_worker.inversion.representations.hog import hog, hogb
from preimage_worker.inversion.representations.relaxed import first_leak
from preimage_worker.inversion.traits import Traits, traits_of
from tests.worker.inversion.small import SIDE, small_network


def test_a_networks_traits_are_its_stride_and_its_longest_way() -> None:
    assert traits_of(small_network("1"), SIDE, SIDE) == Traits(2.4, 1, coloured=True)
    assert traits_of(small_network("4"), SIDE, SIDE) == Traits(8, 2, coloured=True)


def test_formulas_have_a_stride_and_only_hard_votes_to_relax() -> None:
    traits = traits_of(hogb(), 64, 64)
    assert traits == Traits(8, 0)
    assert not traits.fine
    assert traits_of(hog(), 64, 64) == Traits(8, 0, leak=0.3)


@pytest.mark.parametrize("traits", [Traits(1, 2), Traits(8, 8)])
def test_shallow_layers_of_rectified_networks_are_fine(traits: Traits) -> None:
    assert traits.fine


@pytest.mark.parametrize("traits", [Traits(8.1, 2), Traits(1, 9), Traits(1, 1), Traits(1, 0)])
def test_deep_layers_and_what_has_fewer_than_two_rectifiers_are_not(traits: Traits) -> None:
    assert not traits.fine


@pytest.mark.parametrize(("stride", "coarseness"), [(1, 0), (8, 0), (12, 0.5), (16, 1), (227, 1)])
def test_coarseness_goes_from_0_to_1_with_the_stride(stride: float, coarseness: float) -> None:
    assert Traits(stride).coarseness == coarseness


@pytest.mark.parametrize(
    ("rectifiers", "leak"), [(0, 0), (2, 0), (3, 0.5), (8, 0.5), (16, 0.177), (32, 1 / 32)]
)
def test_the_longer_the_way_the_less_silent_units_pass(rectifiers: int, leak: float) -> None:
    assert first_leak(rectifiers) == pytest.approx(leak, rel=1e-2)
