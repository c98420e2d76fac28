"""Pictures, for owners who asked for them; the only module that sees a pixel.

Reports hold none of their own accord: who renders hands them over beside the report, and without
them no document has a place where one could be.
"""

import base64
import io
from collections.abc import Mapping
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


def strip(gallery: Gallery | None, row: Row) -> Strip | None:
    """What may be shown of a row; None where nothing is."""
    if gallery is None or gallery.mode is PicturesMode.NONE:
        return None
    found = gallery.found.get(cell_name(row.layer, row.defence))
    if found is None:
        return None
    channels = gallery.originals.shape[3]
    if channels not in _MODES:
        return Strip(row, (), _NOBODY.format(channels=channels))
    errors = recovery.mse(found / 255, gallery.originals / 255)
    order = [int(index) for index in np.argsort(errors, kind="stable")]
    if gallery.mode is PicturesMode.THUMBNAIL:
        order = order[:THUMBNAILS]
    shown = tuple(_shown(gallery, found, errors, index) for index in order)
    return Strip(row, shown, _sentence(len(shown), len(found)))


def _sentence(shown: int, of: int) -> str:
    if shown < of:
        return (
            f"The {shown} of {of} pictures whose reconstructions came nearest; the others are "
            "farther off. Above the original, beneath it the best reconstruction."
        )
    return f"All {of} pictures, the nearest first: above the original, beneath it the best found."


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
