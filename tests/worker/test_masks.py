"""Masks of the wire as boolean tables over codes of every layout."""

import pytest

from preimage.v1 import model_service_pb2 as models
from preimage.v1 import spec_pb2
from preimage_worker import masks
from preimage_worker.errors import InvalidSpecError


def ranges(*pairs: tuple[int, int]) -> list[spec_pb2.IndexRange]:
    return [spec_pb2.IndexRange(begin=begin, end=end) for begin, end in pairs]


def test_channels_are_the_first_axis_of_a_spatial_code() -> None:
    kept = masks.build(spec_pb2.Mask(channels=ranges((0, 2))), (4, 3, 3))
    assert kept is not None
    assert kept[:2].all()
    assert not kept[2:].any()


def test_channels_are_the_last_axis_of_tokens_and_of_codes_with_channels_last() -> None:
    mask = spec_pb2.Mask(channels=ranges((1, 2)))
    tokens = masks.build(mask, (5, 3))
    last = masks.build(mask, (5, 4, 3), models.CODE_LAYOUT_CHANNELS_LAST)
    assert tokens is not None
    assert last is not None
    assert tokens.sum(0).tolist() == [0, 5, 0]
    assert last.sum((0, 1)).tolist() == [0, 20, 0]


def test_kinds_are_intersected_and_parts_of_a_kind_united() -> None:
    mask = spec_pb2.Mask(
        channels=ranges((0, 1)),
        boxes=[
            spec_pb2.Box(top=0, left=0, height=1, width=2),
            spec_pb2.Box(top=2, left=2, height=1, width=1),
        ],
    )
    kept = masks.build(mask, (2, 3, 3))
    assert kept is not None
    assert kept[0].int().tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]
    assert not kept[1].any()


def test_boxes_lie_in_the_rows_and_columns_of_codes_with_channels_last() -> None:
    mask = spec_pb2.Mask(boxes=[spec_pb2.Box(top=1, left=0, height=1, width=3)])
    kept = masks.build(mask, (2, 3, 4), models.CODE_LAYOUT_CHANNELS_LAST)
    assert kept is not None
    assert kept.sum((1, 2)).tolist() == [0, 12]


def test_tokens_and_channels_are_intersected() -> None:
    mask = spec_pb2.Mask(tokens=ranges((0, 1), (3, 4)), channels=ranges((2, 3)))
    kept = masks.build(mask, (5, 3))
    assert kept is not None
    assert kept.nonzero().tolist() == [[0, 2], [3, 2]]


@pytest.mark.parametrize(
    ("shape", "side", "rows", "columns"),
    [
        ((1, 13, 13), 5, (4, 9), (4, 9)),
        ((1, 6, 7), 3, (1, 4), (2, 5)),
        ((1, 6, 6), 6, (0, 6), (0, 6)),
    ],
)
def test_the_centre_is_central_and_else_nearer_to_the_upper_left(
    shape: tuple[int, ...], side: int, rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    kept = masks.build(spec_pb2.Mask(centre=side), shape)
    assert kept is not None
    assert kept[0, slice(*rows), slice(*columns)].all()
    assert int(kept.sum()) == side**2


def test_the_centre_is_one_more_box() -> None:
    mask = spec_pb2.Mask(centre=1, boxes=[spec_pb2.Box(top=0, left=0, height=1, width=1)])
    kept = masks.build(mask, (2, 3, 3))
    assert kept is not None
    assert kept[0].nonzero().tolist() == [[0, 0], [1, 1]]


def test_the_halves_of_the_channels_are_disjoint_and_make_up_all_of_them() -> None:
    first = masks.build(spec_pb2.Mask(channel_half=spec_pb2.CHANNEL_HALF_FIRST), (5,))
    second = masks.build(spec_pb2.Mask(channel_half=spec_pb2.CHANNEL_HALF_SECOND), (5,))
    assert first is not None
    assert second is not None
    assert first.int().tolist() == [1, 1, 0, 0, 0]
    assert (first ^ second).all()


def test_no_parts_mean_no_mask() -> None:
    assert masks.build(spec_pb2.Mask(), (2, 3, 3)) is None


@pytest.mark.parametrize(
    ("mask", "shape", "words"),
    [
        (spec_pb2.Mask(channels=ranges((3, 9))), (4, 2, 2), "do not lie in 0 to 4"),
        (
            spec_pb2.Mask(boxes=[spec_pb2.Box(top=1, left=0, height=2, width=1)]),
            (4, 2, 2),
            "does not lie in 2 × 2",
        ),
        (spec_pb2.Mask(tokens=ranges((0, 1))), (4, 2, 2), "has no tokens"),
        (
            spec_pb2.Mask(boxes=[spec_pb2.Box(top=0, left=0, height=1, width=1)]),
            (4,),
            "has no positions",
        ),
        (spec_pb2.Mask(centre=3), (4, 2, 2), "does not lie in 2 × 2"),
        (spec_pb2.Mask(centre=1), (4, 2), "has no positions"),
        (spec_pb2.Mask(channels=ranges((0, 1))), (2, 2, 2, 2), "has no channels"),
        (
            spec_pb2.Mask(channel_half=spec_pb2.CHANNEL_HALF_FIRST),
            (1,),
            "channels 0 to 0 do not lie",
        ),
        (
            spec_pb2.Mask(
                channel_half=spec_pb2.CHANNEL_HALF_FIRST,
                boxes=[spec_pb2.Box(top=0, left=0, height=1, width=1)],
                tokens=ranges((0, 1)),
            ),
            (4, 2, 2),
            "has no tokens",
        ),
    ],
)
def test_a_mask_that_does_not_fit_is_refused(
    mask: spec_pb2.Mask, shape: tuple[int, ...], words: str
) -> None:
    with pytest.raises(InvalidSpecError, match=words):
        masks.build(mask, shape)


def test_codes_whose_axes_mean_nothing_take_no_mask() -> None:
    with pytest.raises(InvalidSpecError, match="has no channels"):
        masks.build(spec_pb2.Mask(channels=ranges((0, 1))), (2, 2, 2), models.CODE_LAYOUT_OTHER)
