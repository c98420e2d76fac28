from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from preimage_worker.inversion.counter import hash64
from preimage_worker.inversion.jitter import (
    add_crop_,
    centre_offset,
    crop,
    jitter_range,
    random_offset,
)


@pytest.mark.parametrize(
    ("stride", "expected"),
    [(1, 1), (2, 1), (4.127, 1), (6, 2), (8, 2), (10, 3), (16, 4), (17.5, 4), (32, 8)],
)
def test_the_range_is_a_quarter_of_the_stride_rounded_and_at_least_one(
    stride: float, expected: int
) -> None:
    assert jitter_range(stride) == expected


def test_all_offsets_are_drawn_about_equally_often() -> None:
    drawn = Counter(random_offset(4, 3, 0, step) for step in range(3200))
    assert len(drawn) == 16
    assert all(140 < count < 260 for count in drawn.values())


@given(st.lists(st.integers(-(2**63), 2**64), min_size=1, max_size=4), st.integers(0, 3))
def test_the_hash_depends_on_every_counter(counters: list[int], place: int) -> None:
    other = list(counters)
    other[place % len(other)] += 1
    assert hash64(*counters) != hash64(*other)
    assert 0 <= hash64(*counters) < 2**64


def test_the_hash_is_the_same_on_every_machine() -> None:
    # splitmix64's first output from state 0.
    assert hash64(0) == 0xE220A8397B1DCDAF
    assert [random_offset(5, 1, 2, step) for step in range(4)] == [(0, 0), (4, 1), (3, 1), (0, 1)]


def test_the_centre_is_where_the_released_code_crops() -> None:
    assert [centre_offset(size) for size in (1, 2, 3, 4, 8)] == [
        (0, 0),
        (0, 0),
        (1, 1),
        (1, 1),
        (3, 3),
    ]


@pytest.mark.parametrize("offsets", [[(0, 1), (2, 0)], [(1, 2), (1, 2)]])
def test_adding_a_crop_back_is_the_adjoint_of_cropping(offsets: list[tuple[int, int]]) -> None:
    canvas, crops = torch.randn(2, 3, 7, 8), torch.randn(2, 3, 5, 6)
    taken = crop(canvas, offsets, 5, 6)
    row, column = offsets[0]
    assert torch.equal(taken[0], canvas[0, :, row : row + 5, column : column + 6])
    spread = add_crop_(torch.zeros(2, 3, 7, 8), offsets, crops)
    torch.testing.assert_close((taken * crops).sum(), (canvas * spread).sum())
