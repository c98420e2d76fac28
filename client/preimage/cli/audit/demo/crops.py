"""The pictures of the demonstration: crops of what comes with scikit-image, without persons.

Those that are attacked and those that the attacker has are of different pictures, so that no crop
of one set overlaps one of the other.
"""

from collections.abc import Iterator, Sequence

from PIL import Image, ImageStat

from preimage.cli.demo.pictures import bundled_pictures

__all__ = ["SIDE", "auxiliary", "targets"]

SIDE = 32
"""Of a crop, in pixels: small, so that the demonstration takes minutes."""
_SEEN = 96
"""Pixels of the picture that a crop shows: with fewer, one sees nothing but blur."""

# A cat, a cup of coffee, a rocket.
_ATTACKED = ("chelsea.png", "coffee.png", "rocket.jpg")
# A motorcycle, stained tissue, stars.
_COLOURED = ("motorcycle_left.png", "ihc.png", "hubble_deep_field.jpg")
_GREY = ("brick.png", "grass.png", "gravel.png")
_TARGETS_EACH, _OTHERS_EACH = 3, 40


def targets() -> list[Image.Image]:
    """Crops that are attacked; no two overlap.

    Raises:
        BadInput: scikit-image is not here.
    """
    return _best(_ATTACKED, SIDE, _TARGETS_EACH)


def auxiliary() -> list[Image.Image]:
    """Crops that the attacker has; neighbours overlap by half.

    Raises:
        BadInput: scikit-image is not here.
    """
    return _best((*_COLOURED, *_GREY), SIDE // 2, _OTHERS_EACH)


def _best(names: Sequence[str], stride: int, each: int) -> list[Image.Image]:
    """The crops with the highest contrast of each picture: on others there is little to see."""
    chosen: list[Image.Image] = []
    for path in bundled_pictures(names):
        with Image.open(path) as image:
            found = sorted(_crops(image.convert("RGB"), stride), key=_contrast, reverse=True)
        chosen += found[:each]
    return chosen


def _crops(image: Image.Image, stride: int) -> Iterator[Image.Image]:
    small = image.resize(
        (image.width * SIDE // _SEEN, image.height * SIDE // _SEEN), Image.Resampling.LANCZOS
    )
    for top in range(0, small.height - SIDE + 1, stride):
        for left in range(0, small.width - SIDE + 1, stride):
            yield small.crop((left, top, left + SIDE, top + SIDE))


def _contrast(crop: Image.Image) -> float:
    return sum(ImageStat.Stat(crop).stddev)
