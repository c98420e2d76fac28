"""What goes in and what comes out."""

from dataclasses import dataclass
from typing import final

_OWN_BYTES = 384 * 2**20
"""The interpreter, the file itself, and what is kept of its metadata."""
_BYTES_A_PIXEL = 24
"""Three coefficients of 2 bytes in a progressive JPEG, two canvases of 4 in a WebP, and copies."""


@final
@dataclass(frozen=True, slots=True)
class Bounds:
    """What decoding one picture may cost."""

    pixels: int
    """Largest picture, height × width."""
    seconds: int
    """Of a processor's time, at least 1."""

    @property
    def memory_bytes(self) -> int:
        """Address space of the process that decodes."""
        return _OWN_BYTES + _BYTES_A_PIXEL * self.pixels


@final
@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """A picture."""

    height: int
    width: int
    rgb: bytes = b""
    """`(height, width, 3)`, row-major; empty where only the size was asked for."""
