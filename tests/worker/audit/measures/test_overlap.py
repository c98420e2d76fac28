"""Targets that are in the other set are found, others are not."""

import io

import numpy as np
import pytest
from PIL import Image
from skimage.transform import resize

from preimage_worker.audit.measures import overlap, pictures
from preimage_worker.audit.measures.overlap import Copy
from preimage_worker.audit.measures.pictures import Floats
from tests.worker.audit.measures import natural

SET = pictures.from_levels(pictures.to_levels(natural.pictures(300, side=32)))
TARGETS, OTHERS = SET[:60], SET[60:]


def jpeg(picture: Floats) -> Floats:
    file = io.BytesIO()
    Image.fromarray(pictures.to_levels(picture)).save(file, "JPEG", quality=90)
    return pictures.from_levels(np.asarray(Image.open(file)))


def hidden(picture: Floats) -> Floats:
    """The others with this picture among them, as number 17."""
    return np.concatenate([OTHERS[:17], picture[None], OTHERS[17:]])


def test_different_pictures_do_not_overlap() -> None:
    assert overlap.find(TARGETS, OTHERS).none


def test_every_target_is_found_in_its_own_set_as_itself() -> None:
    found = overlap.find(TARGETS, TARGETS[::-1])
    expected = [(i, 59 - i, Copy.EXACT) for i in range(60)]
    assert [tuple(each) for each in found.shared] == expected


def test_one_equal_picture_among_many_is_found() -> None:
    found = overlap.find(TARGETS, hidden(TARGETS[4]))
    assert [tuple(each) for each in found.shared] == [(4, 17, Copy.EXACT)]


def test_equal_after_rounding_to_levels_is_equal() -> None:
    found = overlap.find(TARGETS, hidden(np.clip(TARGETS[4] + 0.4 / 255, 0, 1)))
    assert [each.copy for each in found.shared] == [Copy.EXACT]


# The one with the most contrast: what noise and JPEG leave of faint ones is their business.
STRONG = int(TARGETS.std((1, 2)).mean(-1).argmax())


@pytest.mark.parametrize(
    "copied",
    [
        pytest.param(jpeg, id="compressed"),
        pytest.param(lambda one: 0.7 * one + 0.1, id="paler"),
        pytest.param(lambda one: np.clip(one + 0.02, 0, 1), id="brighter"),
        pytest.param(lambda one: one.mean(-1, keepdims=True).repeat(3, -1), id="grey"),
        pytest.param(lambda one: np.roll(one, 1, -1), id="in other colours"),
    ],
)
def test_changed_copies_are_found(copied: object) -> None:
    assert callable(copied)
    found = overlap.find(TARGETS, hidden(copied(TARGETS[STRONG])))
    assert [tuple(each) for each in found.shared] == [(STRONG, 17, Copy.NEAR)]


@pytest.mark.parametrize("side", [24, 64])
def test_scaled_copies_are_found_among_pictures_of_another_size(side: int) -> None:
    def scaled(picture: Floats) -> Floats:
        small = resize(picture, (side, side), anti_aliasing=True)  # type: ignore[no-untyped-call]
        return np.clip(np.asarray(small), 0, 1)

    others = np.stack([scaled(one) for one in (*OTHERS[:20], TARGETS[STRONG])])
    found = overlap.find(TARGETS, others)
    assert [tuple(each) for each in found.shared] == [(STRONG, 20, Copy.NEAR)]


def test_flat_pictures_are_copies_only_where_they_are_equal() -> None:
    flat = np.stack([np.full((32, 32, 3), level / 255) for level in (10, 20, 30)])
    found = overlap.find(flat, flat[1:2])
    assert [tuple(each) for each in found.shared] == [(1, 0, Copy.EXACT)]


def test_near_copies_can_be_left_to_the_caller() -> None:
    assert overlap.find(TARGETS, hidden(0.7 * TARGETS[STRONG] + 0.1), near=0.0).none


def test_pictures_on_another_scale_are_refused() -> None:
    with pytest.raises(ValueError, match="others"):
        overlap.find(TARGETS, 255 * OTHERS)
