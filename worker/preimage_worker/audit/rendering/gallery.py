"""Pictures, for owners who asked for them; the only module that sees a pixel.

Reports hold none of their own accord: who renders hands them over beside the report, and without
them no document has a place where one could be.
"""

import base64
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, final

import numpy as np
from PIL import Image

from preimage_worker.audit.measures import recovery
from preimage_worker.audit.measures.pictures import Floats
from preimage_worker.audit.plan import Levels
from preimage_worker.audit.records import Row
from preimage_worker.audit.rendering.figures import decibels
from preimage_worker.audit.run import cell_name

THUMBNAILS: Final = 6
"""Of a row: those which came nearest to their originals."""
THUMBNAIL_PIXELS: Final = 64
FULL_BYTES: Final = 48 * 2**20
"""Of all pictures on a page, at most: browsers, mail and reviewers must bear it."""
_MODES: Final = {1: "L", 3: "RGB"}
_NOBODY: Final = "Pictures of {channels} channels cannot be shown."


@final
class PicturesMode(Enum):
    """Which pictures a report may show."""

    NONE = "none"
    THUMBNAIL = "thumbnail"
    """A few of each row, small."""
    FULL = "full"
    """All of each row, as they are."""


@final
@dataclass(frozen=True, eq=False)
class Gallery:
    """The owner's pictures beside what was made of their codes."""

    mode: PicturesMode
    originals: Levels
    """`(n, height, width, channels)`."""
    found: Mapping[str, Levels]
    """Best reconstructions of the same shape, by `run.cell_name`, as a store is handed them."""


@final
@dataclass(frozen=True)
class Shown:
    """A picture beside its original."""

    target: int
    psnr_db: str
    original: str
    """A data URI."""
    found: str
    """The same."""


@final
@dataclass(frozen=True)
class Strip:
    """The pictures of a row."""

    row: Row
    shown: tuple[Shown, ...]
    sentence: str


def strips(gallery: Gallery | None, rows: Sequence[Row]) -> list[Strip]:
    """What may be shown of each row, in their order; rows of which nothing is are left out."""
    if gallery is None or gallery.mode is PicturesMode.NONE:
        return []
    with_pictures = [row for row in rows if cell_name(row.layer, row.defence) in gallery.found]
    return [_strip(gallery, row, FULL_BYTES // len(with_pictures)) for row in with_pictures]


def _strip(gallery: Gallery, row: Row, most_bytes: int) -> Strip:
    channels = gallery.originals.shape[3]
    if channels not in _MODES:
        return Strip(row, (), _NOBODY.format(channels=channels))
    found = gallery.found[cell_name(row.layer, row.defence)]
    errors = recovery.mse(found / 255, gallery.originals / 255)
    order = [int(index) for index in np.argsort(errors, kind="stable")]
    if gallery.mode is PicturesMode.THUMBNAIL:
        order = order[:THUMBNAILS]
    shown = tuple(_fitting((_shown(gallery, found, errors, index) for index in order), most_bytes))
    return Strip(row, shown, _sentence(len(shown), len(found), cut_short=len(shown) < len(order)))


def _fitting(pictures: Iterable[Shown], most_bytes: int) -> Iterator[Shown]:
    """The first ones that fit together."""
    for each in pictures:
        most_bytes -= len(each.original) + len(each.found)
        if most_bytes < 0:
            return
        yield each


def _sentence(shown: int, of: int, *, cut_short: bool) -> str:
    size = f"{FULL_BYTES // 2**20} MiB"
    if not shown:
        return f"None of the {of} pictures: pictures of all rows make a page of {size} at most."
    if shown == of:
        return (
            f"All {of} pictures, the nearest first: above the original, beneath it the best found."
        )
    why = f" Pictures of all rows make a page of {size} at most." if cut_short else ""
    return (
        f"The {shown} of {of} pictures whose reconstructions came nearest; the others are "
        f"farther off.{why} Above the original, beneath it the best reconstruction."
    )


def _shown(gallery: Gallery, found: Levels, errors: Floats, index: int) -> Shown:
    small = gallery.mode is PicturesMode.THUMBNAIL
    return Shown(
        target=index + 1,
        psnr_db=decibels(float(recovery.psnr_db(errors[index : index + 1])[0])),
        original=_uri(gallery.originals[index], small=small),
        found=_uri(found[index], small=small),
    )


def _uri(picture: Levels, *, small: bool) -> str:
    levels = picture[..., 0] if picture.shape[-1] == 1 else picture
    image = Image.fromarray(np.ascontiguousarray(levels))
    if small:
        image.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
    file = io.BytesIO()
    image.save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
