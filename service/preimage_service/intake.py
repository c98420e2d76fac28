"""Taking in what a caller sends: a picture or a tensor, inline or uploaded before.

The header is judged first, the bytes afterwards, in a thread. What comes out is a value: facts for
the checks that need the model, and the bytes to store once everything else is found right.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from preimage.v1.model_service_pb2 import Model
from preimage.v1.tensor_pb2 import DataType, Picture, Tensor, TensorReference
from preimage_orders import Size
from preimage_queue import blob_digest
from preimage_service.backend import Backend
from preimage_service.checks.fields import check_digest
from preimage_service.checks.pictures import PIXEL_TYPES, check_pixels, read_encoded
from preimage_service.checks.taken import Taken
from preimage_service.checks.tensors import FLOATS, check_header, check_length
from preimage_service.errors import (
    ModelNotFoundError,
    ModelNotServedError,
    TensorNotFoundError,
    Violation,
)

_Read = Callable[[bytes], list[Violation]]
_Check = Callable[[DataType.ValueType, bytes, str], Iterator[Violation]]


async def find_model(backend: Backend, name: str, faults: Sequence[Violation]) -> Model | None:
    """The model of a request; None where faults that are known already have to be told first.

    Raises:
        ModelNotFoundError: no worker has announced it.
        ModelNotServedError: it cannot be used now.
    """
    if not name:
        return None
    try:
        return await backend.catalogue.served(name)
    except (ModelNotFoundError, ModelNotServedError):
        if faults:
            return None
        raise


async def take_picture(backend: Backend, tenant: str, picture: Picture, path: str) -> Taken:
    """Take in a picture."""
    match picture.WhichOneof("content"):
        case "encoded":
            return await _take_encoded(backend, picture.encoded, f"{path}.encoded")
        case "pixels":
            return await _take_pixels(backend, tenant, picture.pixels, f"{path}.pixels")
        case "uploaded":
            return await _take_pixels(backend, tenant, picture.uploaded, f"{path}.uploaded")
        case _:
            fault = Violation(path, "must hold an encoded file, pixels or an uploaded tensor")
            return Taken(path=path, violations=(fault,))


async def _take_encoded(backend: Backend, data: bytes, path: str) -> Taken:
    def read() -> tuple[Size | None, list[Violation], str]:
        size, faults = read_encoded(data, backend.decoder, path)
        return size, faults, "" if faults else blob_digest(data)

    size, faults, digest = await backend.in_thread(read)
    return Taken(path=path, violations=tuple(faults), picture=size, data=data, digest=digest)


async def _take_pixels(
    backend: Backend, tenant: str, pixels: Tensor | TensorReference, path: str
) -> Taken:
    most_bytes = backend.settings.maximum_tensor_bytes
    faults = [
        *check_header(pixels, path, PIXEL_TYPES, most_bytes),
        *check_pixels(pixels, backend.settings.maximum_picture_pixels, path),
    ]
    if faults:
        return Taken(path=path, violations=tuple(faults))
    taken = await _take_bytes(backend, tenant, pixels, path, lambda _: [])
    height, width = pixels.shape[:2]
    return replace(taken, picture=Size(height, width))


async def take_tensor(
    backend: Backend, tenant: str, tensor: Tensor | TensorReference, path: str, check: _Check
) -> Taken:
    """Take in a tensor of floats; `check` judges its elements."""
    faults = list(check_header(tensor, path, FLOATS, backend.settings.maximum_tensor_bytes))
    if faults:
        return Taken(path=path, violations=tuple(faults))
    data_path = f"{path}.data" if isinstance(tensor, Tensor) else path

    def read(data: bytes) -> list[Violation]:
        return list(check(tensor.dtype, data, data_path))

    taken = await _take_bytes(backend, tenant, tensor, path, read)
    return replace(taken, code_shape=tuple(tensor.shape))


async def _take_bytes(
    backend: Backend, tenant: str, tensor: Tensor | TensorReference, path: str, read: _Read
) -> Taken:
    """Check the bytes of a tensor whose header is in order."""
    if isinstance(tensor, Tensor):
        data = tensor.data  # once: each look at a field of bytes copies them

        def read_and_name(data: bytes) -> tuple[list[Violation], str]:
            return read(data), blob_digest(data)

        short = list(check_length(tensor, len(data), f"{path}.data"))
        faults, digest = (short, "") if short else await backend.in_thread(read_and_name, data)
        return Taken(path=path, violations=tuple(faults), data=data, digest=digest, tensor=tensor)
    wrong = tuple(check_digest(tensor.digest, f"{path}.digest"))
    if wrong:
        return Taken(path=path, violations=wrong)
    async with backend.blob_readers:
        blob = await backend.queue.read_blob(tenant, tensor.digest)
        if blob is None:
            missing = TensorNotFoundError(path, tensor.digest)
            return Taken(path=path, missing=missing, digest=tensor.digest, tensor=tensor)
        faults = list(check_length(tensor, len(blob), path)) or await backend.in_thread(read, blob)
    return Taken(path=path, violations=tuple(faults), digest=tensor.digest, tensor=tensor)
