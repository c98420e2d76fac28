"""The pictures of the benchmarks, all of them RGB in 8 bits.

A folder of pictures, else the one that PREIMAGE_PICTURES_DIR names, else three that come with
scikit-image. Codes can only be compared with each other when they have one shape, so benchmarks
that compare codes bring all pictures to one size with `fitted`.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from skimage import data as bundled

Pixels = NDArray[np.uint8]

_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
_BUNDLED = ("chelsea", "coffee", "rocket")


@final
@dataclass(frozen=True, eq=False)
class Picture:
    """A picture by its file's name without suffix."""

    name: str
    pixels: Pixels
    """RGB `(height, width, 3)`."""

    def fitted(self, height: int, width: int) -> "Picture":
        """The picture at this size: turned by 90° if it lies the other way, resized, not cropped.

        Resizing is Pillow's bilinear filter, as the worker's. A picture that has the size already
        stays as it is.
        """
        pixels = self.pixels
        if (pixels.shape[0] > pixels.shape[1]) != (height > width) and height != width:
            pixels = np.rot90(pixels)
        if pixels.shape[:2] != (height, width):
            image = Image.fromarray(np.ascontiguousarray(pixels))
            pixels = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
        return Picture(self.name, np.ascontiguousarray(pixels))


def load(folder: Path | None = None, limit: int | None = None) -> list[Picture]:
    """The first `limit` pictures by name.

    Raises:
        SystemExit: there are none, with a sentence for the command line.
    """
    named = folder or _from_environment()
    found: Iterable[Picture] = _of_folder(named) if named else map(_bundled, _BUNDLED)
    return list(found)[:limit]


def common_size(pictures: Iterable[Picture]) -> tuple[int, int]:
    """Height and width, the longer side across, that most of the pictures have."""
    sizes = [tuple(sorted(picture.pixels.shape[:2])) for picture in pictures]
    height, width = max(sorted(set(sizes)), key=sizes.count)
    return height, width


def _from_environment() -> Path | None:
    named = os.environ.get("PREIMAGE_PICTURES_DIR")
    return Path(named) if named else None


def _of_folder(folder: Path) -> list[Picture]:
    if not folder.is_dir():
        raise SystemExit(f"{folder} is no folder; name one that holds pictures.")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
    if not paths:
        raise SystemExit(f"{folder} holds no PNG, JPEG or WebP file.")
    return [_open(path) for path in paths]


def _open(path: Path) -> Picture:
    try:
        with Image.open(path) as image:
            return Picture(path.stem, np.asarray(image.convert("RGB")))
    except (OSError, UnidentifiedImageError) as error:
        raise SystemExit(f"{path} cannot be read as a picture: {error}.") from None


def _bundled(name: str) -> Picture:
    return Picture(name, np.asarray(getattr(bundled, name)(), np.uint8))
