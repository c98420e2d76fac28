"""Pictures from the wire: encoded files and raw pixels.

A file is decoded once, in a process of its own, so that a broken or hostile one is refused here,
with a sentence, and not minutes later by a worker. Only the size is kept.
"""

from collections.abc import Iterator

from preimage.v1.tensor_pb2 import DataType, Tensor, TensorReference
from preimage_orders import Size
from preimage_pictures import Decoder, Fault, PictureError
from preimage_service.errors import Violation

PIXEL_TYPES = frozenset({DataType.DATA_TYPE_UINT8})
_RGB = 3


def check_pixels(pixels: Tensor | TensorReference, most: int, path: str) -> Iterator[Violation]:
    """That a tensor has the shape of a picture."""
    shape = list(pixels.shape)
    if len(shape) not in (2, 3) or shape[2:] not in ([], [_RGB]):
        yield Violation(f"{path}.shape", "must be (height, width, 3) or (height, width)")
    elif shape[0] >= 1 and shape[1] >= 1 and shape[0] * shape[1] > most:
        yield Violation(f"{path}.shape", _too_many(shape[1], shape[0], most))


def read_encoded(data: bytes, decoder: Decoder, path: str) -> tuple[Size | None, list[Violation]]:
    """Size of an encoded picture, or what is wrong with it. Slow: decodes it; call in a thread.

    Raises:
        ChildError: no process could be started that decodes it.
    """
    try:
        found = decoder.size(data)
    except PictureError as error:
        return None, [Violation(path, str(error))]
    return Size(found.height, found.width), []


def _too_many(width: int, height: int, most: int) -> str:
    return str(PictureError(Fault.TOO_LARGE, height, width, most))
