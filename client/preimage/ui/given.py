"""What a tab was given: a picture or a code, read once and kept in memory.

A file becomes one or the other by its suffix, as on the command line.
"""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import final

from preimage.errors import BadInput
from preimage.features import Features
from preimage.parts import Size
from preimage.pictures import open_picture
from preimage.sources import is_code_path, read_code

__all__ = ["Given", "read"]

_SHOWN_SIDE = 512
"""Longest side in pixels of a picture on the page."""


@final
@dataclass(frozen=True, eq=False)
class Given:
    """A picture or a code."""

    name: str
    """Name of its file."""
    source: bytes | Features
    """The file of a picture, or the code."""
    size: Size | None
    """Size of the picture, or of the one that the code was computed from; None: it is not known."""
    shown: bytes | None
    """The picture as PNG, no larger than it is shown; None for a code."""

    @property
    def is_code(self) -> bool:
        """Whether it is a code."""
        return isinstance(self.source, Features)

    @property
    def sentence(self) -> str:
        """What it is, in words."""
        if isinstance(self.source, Features):
            shape = " × ".join(map(str, self.source.shape))
            return f"{self.name}: a code of {shape} numbers"
        assert self.size is not None
        return f"{self.name}: a picture of {self.size.width} × {self.size.height} pixels"

    def fitted(self, longest_side: int) -> Size | None:
        """The picture's size, scaled down to `longest_side` pixels; None where it fits already."""
        if self.size is None or max(self.size) <= longest_side:
            return None
        scale = longest_side / max(self.size)
        return Size(*(max(1, round(side * scale)) for side in self.size))


def read(name: str, data: bytes) -> Given:
    """Reads a file by its name's suffix.

    Raises:
        BadInput: it holds neither a picture nor a code.
    """
    if is_code_path(name):
        return _code(name, data)
    try:
        image = open_picture(data)
    except BadInput as error:
        raise BadInput(str(error).replace("These bytes", name)) from error
    size = Size(image.height, image.width)
    image.thumbnail((_SHOWN_SIDE, _SHOWN_SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return Given(name, data, size, buffer.getvalue())


def _code(name: str, data: bytes) -> Given:
    with tempfile.TemporaryDirectory(prefix="preimage-ui-") as folder:
        path = Path(folder) / f"code{Path(name).suffix}"
        path.write_bytes(data)
        try:
            features = read_code(path, "The code")
        except BadInput as error:
            raise BadInput(str(error).replace(str(path), name)) from error
    size = features.input_size
    return Given(name, features, None if size is None else Size(*size), None)
