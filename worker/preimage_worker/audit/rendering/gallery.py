"""Pictures, for owners who asked for them; the only module that sees a pixel.

Reports hold none of their own accord: who renders hands them over beside the report, and without
them no document has a place where one could be.
"""

import base64
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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


@final
@dataclass(frozen=True)
class Example:
    """One picture, in all rows."""

    target: int
    original: str
    """A data URI."""
    found: Mapping[str, Shown]
    """By `run.cell_name`."""


def example(gallery: Gallery | None, rows: Sequence[Row]) -> Example | None:
    """The picture that attacks came nearest to over all rows; None where none is shown."""
    shown = _with_pictures(gallery, rows)
    if gallery is None or not shown or gallery.originals.shape[3] not in _MODES:
        return None
    small = replace(gallery, mode=PicturesMode.THUMBNAIL)
    errors = {name: _errors(gallery, name) for name in shown}
    likeness = np.mean([recovery.psnr_db(each) for each in errors.values()], axis=0)
    target = int(np.argmax(likeness))
    found = {name: _shown(small, gallery.found[name], errors[name], target) for name in shown}
    return Example(target + 1, _uri(gallery.originals[target], small=True), found)


def _with_pictures(gallery: Gallery | None, rows: Sequence[Row]) -> Mapping[str, Row]:
    """Rows of which pictures may be shown, by the names of their cells."""
    if gallery is None or gallery.mode is PicturesMode.NONE:
        return {}
    named = {cell_name(row.layer, row.defence): row for row in rows}
    return {name: row for name, row in named.items() if name in gallery.found}


def _errors(gallery: Gallery, name: str) -> Floats:
    return recovery.mse(gallery.found[name] / 255, gallery.originals / 255)


def strips(gallery: Gallery | None, rows: Sequence[Row]) -> list[Strip]:
    """What may be shown of each row, in their order; rows of which nothing is are left out."""
    shown = _with_pictures(gallery, rows)
    if gallery is None or not shown:
        return []
    most_bytes = FULL_BYTES // len(shown)
    return [_strip(gallery, name, row, most_bytes) for name, row in shown.items()]


def _strip(gallery: Gallery, name: str, row: Row, most_bytes: int) -> Strip:
    channels = gallery.originals.shape[3]
    if channels not in _MODES:
        return Strip(row, (), _NOBODY.format(channels=channels))
    found, errors = gallery.found[name], _errors(gallery, name)
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
