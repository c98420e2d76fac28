"""The pictures of the demonstration: files that come with scikit-image, or the caller's own."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from PIL import Image

from preimage.errors import BadInput
from preimage.parts import Size

__all__ = ["DemoPicture", "bundled_pictures", "find_pictures"]

# A cat, a cup of coffee, a rocket: no persons.
_BUNDLED = ("chelsea.png", "coffee.png", "rocket.jpg")
_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})


@final
@dataclass(frozen=True)
class DemoPicture:
    """A picture of the demonstration."""

    name: str
    """Name of its file without suffix."""
    path: Path
    """Where it is."""
    size: Size
    """Its own size."""

    def fitted(self, longest_side: int, multiple: int) -> Size:
        """Its size scaled to `longest_side` pixels, each side a multiple of `multiple`."""
        scale = longest_side / max(self.size)
        height, width = (max(1, round(side * scale / multiple)) * multiple for side in self.size)
        return Size(height, width)

    def thumbnail(self, longest_side: int) -> Image.Image:
        """The picture in RGB, no larger than `longest_side`."""
        with Image.open(self.path) as image:
            small = image.convert("RGB")
        small.thumbnail((longest_side, longest_side))
        return small


def find_pictures(folder: Path | None, limit: int) -> list[DemoPicture]:
    """The first `limit` pictures of `folder`, or of those that come with scikit-image.

    Raises:
      BadInput: there are none.
    """
    paths = bundled_pictures(_BUNDLED) if folder is None else _of_folder(folder)
    return [_open(path) for path in paths[:limit]]


def bundled_pictures(names: Sequence[str]) -> list[Path]:
    """Where pictures are that come with scikit-image.

    Raises:
      BadInput: scikit-image is not here.
    """
    spec = importlib.util.find_spec("skimage")  # only its files are wanted
    for place in (spec and spec.submodule_search_locations) or ():
        found = [Path(place) / "data" / name for name in names]
        if all(path.is_file() for path in found):
            return found
    raise BadInput(
        "The demonstration takes its pictures from scikit-image, which is not installed: "
        "`pip install 'preimage[all]'`, or name a folder of pictures with --pictures."
    )


def _of_folder(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
    if not found:
        raise BadInput(f"{folder} holds no PNG, JPEG or WebP file.")
    return found


def _open(path: Path) -> DemoPicture:
    try:
        with Image.open(path) as image:
            return DemoPicture(path.stem, path, Size(image.height, image.width))
    except OSError as error:
        raise BadInput(f"{path} cannot be read as a picture: {error}.") from error
