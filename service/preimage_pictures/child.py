"""The process that decodes: `python -m preimage_pictures.child PIXELS SECONDS`.

It reads files from its standard input and answers on its standard output until its parent is gone.
The kernel ends it where a picture takes too much time; where one takes too much memory it says so
and ends by itself, so that the next one finds a process without leftovers.
"""

import math
import resource
import signal
import sys
from typing import BinaryIO

from PIL import Image

from preimage_pictures.errors import Fault, PictureError
from preimage_pictures.frames import READY, read_request, write_fault, write_picture
from preimage_pictures.reading import read_rgb
from preimage_pictures.values import Bounds


def main(pixels: str, seconds: str) -> None:
    """Work until the parent is gone."""
    bounds = Bounds(int(pixels), int(seconds))
    _restrain(bounds)
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sink.write(READY)
    sink.flush()
    while (request := read_request(source)) is not None:
        _allow_seconds(bounds.seconds)
        if not _answer(sink, *request, bounds):
            return


def _restrain(bounds: Bounds) -> None:
    for of_the_parent in (signal.SIGINT, signal.SIGTERM):
        signal.signal(of_the_parent, signal.SIG_IGN)  # it may drain; our end is its end
    memory_bytes = bounds.memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    Image.MAX_IMAGE_PIXELS = None  # ours is stricter; this one would warn or raise by itself


def _allow_seconds(seconds: int) -> None:
    """Move the limit of processor time: the kernel counts from the start of the process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used_seconds = math.ceil(usage.ru_utime + usage.ru_stime)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (used_seconds + seconds, hard))


def _answer(sink: BinaryIO, data: bytes, wants_pixels: bool, bounds: Bounds) -> bool:  # noqa: FBT001
    """Answer one request; False where this process should not take another one."""
    try:
        picture = read_rgb(data, bounds.pixels)
    except PictureError as error:
        write_fault(sink, error.fault, error.height, error.width)
        return True
    except MemoryError:
        write_fault(sink, Fault.TOO_COSTLY)
        return False
    write_picture(sink, picture, wants_pixels=wants_pixels)
    return True


if __name__ == "__main__":
    main(*sys.argv[1:])
