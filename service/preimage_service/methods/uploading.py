"""UploadTensor: a header, then chunks, and the name of the whole.

Memory is promised by the header, out of a budget that all uploads share, but taken only as bytes
arrive. An upload that falls silent is given up, so nobody can hold the budget with a header alone.
"""

from collections.abc import AsyncIterator

from preimage.v1.preimage_service_pb2 import (
    TensorHeader,
    UploadTensorRequest,
    UploadTensorResponse,
)
from preimage.v1.tensor_pb2 import TensorReference
from preimage_service.admission import store_bytes
from preimage_service.backend import Backend
from preimage_service.checks.tensors import SIZES_BYTES, check_header, check_length, size_bytes
from preimage_service.errors import InvalidRequestError, Violation
from preimage_service.methods.parts import Parts, detached

LARGEST_CHUNK_BYTES = 2**20
_ALLOWED = frozenset(SIZES_BYTES)


async def upload(
    backend: Backend, tenant: str, requests: AsyncIterator[UploadTensorRequest]
) -> UploadTensorResponse:
    """Take in a tensor.

    Raises:
        InvalidRequestError: no header first, a chunk too large, or not as many bytes as promised.
        QueueBytesFullError: other uploads, or waiting jobs, hold too much now.
        WaitTimeoutError: nothing came for too long.
    """
    parts = Parts(requests, backend.settings, "upload the tensor again")
    header = _read_header(await parts.next(), backend.settings.maximum_tensor_bytes)
    expected_bytes = size_bytes(header)
    with backend.uploads.hold(expected_bytes):
        data = bytearray()
        while (part := await parts.next()) is not None:
            data += _read_chunk(part, expected_bytes - len(data))
        faults = list(check_length(header, len(data), "chunk"))
        if faults:
            raise InvalidRequestError(faults)
        digest = await store_bytes(backend, tenant, bytes(data))
    reference = TensorReference(digest=digest, dtype=header.dtype, shape=header.shape)
    return UploadTensorResponse(tensor=reference)


def _read_header(part: UploadTensorRequest | None, most_bytes: int) -> TensorHeader:
    if part is None or not part.HasField("header"):
        raise InvalidRequestError([Violation("header", "must be the first message")])
    faults = list(check_header(part.header, "header", _ALLOWED, most_bytes))
    if faults:
        raise InvalidRequestError(faults)
    return detached(part.header, part)


def _read_chunk(part: UploadTensorRequest, room_bytes: int) -> bytes:
    if not part.HasField("chunk"):
        raise InvalidRequestError([Violation("chunk", "must follow the header, and nothing else")])
    chunk = part.chunk
    if len(chunk) > LARGEST_CHUNK_BYTES:
        sentence = f"has {len(chunk)} bytes; at most {LARGEST_CHUNK_BYTES} fit into one"
        raise InvalidRequestError([Violation("chunk", sentence)])
    if len(chunk) > room_bytes:
        raise InvalidRequestError([Violation("chunk", "goes beyond what the header promised")])
    return chunk
