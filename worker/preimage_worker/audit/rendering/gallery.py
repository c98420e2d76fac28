"""Pictures, for owners who asked for them; the only module that sees a pixel.

Reports hold none of their own accord: who renders hands them over beside the report, and without
them no document has a place where one could be. All of an audit's pictures may be gigabytes: of
each cell as many are kept as a page can show.
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
from preimage_worker.audit.measures.pictures import Floats, Indices
from preimage_worker.audit.plan import Levels
from preimage_worker.audit.records import Row
from preimage_worker.audit.rendering.figures import decibels
from preimage_worker.audit.run import cell_name

THUMBNAILS: Final = 6
"""Of a row: those which came nearest to their originals."""
THUMBNAIL_PIXELS: Final = 64
FULL_BYTES: Final = 48 * 2**20
"""Of all pictures on a page, at most: browsers, mail and reviewers must bear it. The same of those
that are kept for it, as 8-bit levels: of photographs these are more than the page has room for."""
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
class Kept:
    """Of a cell's best reconstructions those that may be shown."""

    mse: Floats
    """`(n,)`: of all of them."""
    targets: Indices
    """`(k,)`: whose are kept, the nearest first."""
    pictures: Levels
    """`(k, height, width, channels)`; small ones where the page shows no others."""


@final
@dataclass(frozen=True, eq=False)
class Gallery:
    """The owner's pictures beside what was made of their codes."""

    mode: PicturesMode
    originals: Levels
    """`(n, height, width, channels)`."""
    found: Mapping[str, Kept]
    """Best reconstructions, by `run.cell_name`."""


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


def keep(mode: PicturesMode, originals: Levels, found: Levels, most_bytes: int) -> Kept:
    """The nearest of a cell's best reconstructions, as many as fit.

    Args:
        mode: what the page will show of them.
        originals: `(n, height, width, channels)`.
        found: of the same shape.
        most_bytes: of what is kept, as levels.
    """
    mse = recovery.mse(found / 255, originals / 255)
    order = np.argsort(mse, kind="stable")
    if found.shape[3] not in _MODES:
        return Kept(mse, order[:0], found[:0])
    if mode is PicturesMode.THUMBNAIL:
        found = np.stack([_small(each) for each in found])
    order = order[: most_bytes // found[0].nbytes]
    return Kept(mse, order, found[order])


def example(gallery: Gallery | None, rows: Sequence[Row]) -> Example | None:
    """The picture that attacks came nearest to over all rows; None where none is shown."""
    shown = _with_pictures(gallery, rows)
    if gallery is None or not shown or gallery.originals.shape[3] not in _MODES:
        return None
    small = replace(gallery, mode=PicturesMode.THUMBNAIL)
    likeness = np.mean([recovery.psnr_db(gallery.found[name].mse) for name in shown], axis=0)
    target = int(np.argmax(likeness))
    found = {
        name: _shown(small, gallery.found[name], int(place))
        for name in shown
        for place in np.flatnonzero(gallery.found[name].targets == target)
    }
    return Example(target + 1, _uri(gallery.originals[target], small=True), found)


def _with_pictures(gallery: Gallery | None, rows: Sequence[Row]) -> Mapping[str, Row]:
    """Rows of which pictures may be shown, by the names of their cells."""
    if gallery is None or gallery.mode is PicturesMode.NONE:
        return {}
    named = {cell_name(row.layer, row.defence): row for row in rows}
    return {name: row for name, row in named.items() if name in gallery.found}


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
    found = gallery.found[name]
    of = len(found.mse)
    wanted = min(THUMBNAILS, of) if gallery.mode is PicturesMode.THUMBNAIL else of
    places = range(min(wanted, len(found.targets)))
    shown = tuple(_fitting((_shown(gallery, found, place) for place in places), most_bytes))
    return Strip(row, shown, _sentence(len(shown), of, cut_short=len(shown) < wanted))


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


def _shown(gallery: Gallery, found: Kept, place: int) -> Shown:
    small, target = gallery.mode is PicturesMode.THUMBNAIL, int(found.targets[place])
    return Shown(
        target=target + 1,
        psnr_db=decibels(float(recovery.psnr_db(found.mse[target : target + 1])[0])),
        original=_uri(gallery.originals[target], small=small),
        found=_uri(found.pictures[place], small=small),
    )


def _uri(picture: Levels, *, small: bool) -> str:
    file = io.BytesIO()
    _image(_small(picture) if small else picture).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _small(picture: Levels) -> Levels:
    """A picture as a thumbnail; a small one as it is."""
    image = _image(picture)
    image.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
    return np.asarray(image).reshape(image.height, image.width, -1)


def _image(picture: Levels) -> Image.Image:
    levels = picture[..., 0] if picture.shape[-1] == 1 else picture
    return Image.fromarray(np.ascontiguousarray(levels))
