"""What can go wrong with a picture.

PictureError     the file's fault: it is refused, and nothing else happens
ChildError       ours: the process that decodes could not be started
"""

from enum import Enum
from typing import final


@final
class Fault(Enum):
    """What a picture is refused for, as the end of a sentence that begins with its name."""

    UNKNOWN = "is not a PNG, JPEG or WebP file"
    TRUNCATED = "is a truncated file, which cannot be decoded: encode it again"
    BROKEN = "is a broken file, which cannot be decoded: encode it again"
    TOO_LARGE = "has {width} × {height} pixels; this server decodes at most {most}: scale it down"
    DEEP = "has grey levels of 16 bits, of which pictures here have 8: convert it"
    TOO_COSTLY = (
        "takes more time or memory than decoding a picture may: encode it again, plainly, without"
        " metadata"
    )


@final
class PictureError(Exception):
    """A picture cannot be decoded; the message is what the fault says."""

    def __init__(self, fault: Fault, height: int = 0, width: int = 0, most: int = 0) -> None:
        super().__init__(fault.value.format(height=height, width=width, most=most))
        self.fault = fault
        self.height = height
        self.width = width


@final
class ChildError(Exception):
    """No process that decodes could be started: nothing is known about the picture."""
