"""DownloadResult: a file of a result, in chunks, from any byte on."""

from collections.abc import AsyncIterator

from preimage.v1.preimage_service_pb2 import DownloadResultRequest, DownloadResultResponse
from preimage_queue import Job, OutputChunk, State
from preimage_service.backend import Backend
from preimage_service.checks.fields import suggest
from preimage_service.errors import (
    ArtifactNotFoundError,
    InvalidRequestError,
    PreimageNotFoundError,
    ResultNotReadyError,
    Violation,
)
from preimage_service.methods.reading import read_detail

CHUNK_BYTES = 256 * 1024
_MOST_BYTES = 2**32
"""More than any file has: Redis keeps at most 512 MiB under one key."""

_SHOWN_CHARACTERS = 64


async def download(
    backend: Backend, tenant: str, request: DownloadResultRequest
) -> AsyncIterator[DownloadResultResponse]:
    """Stream a file. Every message states the whole length; an empty rest is one empty message.

    Raises:
        PreimageNotFoundError: no such job, or it expired on the way.
        ResultNotReadyError: it has not ended, or ended without a result.
        ArtifactNotFoundError: the result has no such file.
    """
    if not 0 <= request.offset <= _MOST_BYTES:
        sentence = f"is {request.offset}; must be 0 to the length of the file"
        raise InvalidRequestError([Violation("offset", sentence)])
    job = (await read_detail(backend, tenant, request.id)).job
    _check_artifact(job, request.name)
    file = pieces(backend, tenant, request.id, request.name, request.offset)
    async for offset, chunk in file:
        yield DownloadResultResponse(offset=offset, data=chunk.data, total_bytes=chunk.total_bytes)


async def pieces(
    backend: Backend, tenant: str, job_id: str, name: str, offset: int = 0
) -> AsyncIterator[tuple[int, OutputChunk]]:
    """A file from a byte on, in pieces, each with its offset; an empty rest is one empty piece.

    Raises:
        InvalidRequestError: the file ends before that byte.
        PreimageNotFoundError: it expired or was deleted on the way.
    """
    while True:
        chunk = await backend.queue.read_output(
            job_id, tenant, name, offset=offset, length=CHUNK_BYTES
        )
        if chunk is None:
            raise PreimageNotFoundError(job_id)
        if offset > chunk.total_bytes:
            sentence = f"is {offset}; the file ends at {chunk.total_bytes}"
            raise InvalidRequestError([Violation("offset", sentence)])
        yield offset, chunk
        offset += len(chunk.data)
        if offset >= chunk.total_bytes:
            return


async def read_whole(backend: Backend, tenant: str, job_id: str, name: str) -> bytes:
    """A whole file of a result, for methods that answer with it.

    Raises:
        PreimageNotFoundError: it expired or was deleted.
    """
    chunk = await backend.queue.read_output(job_id, tenant, name)
    if chunk is None:
        raise PreimageNotFoundError(job_id)
    return chunk.data


def _check_artifact(job: Job, name: str) -> None:
    if job.state is not State.SUCCEEDED:
        next_step = "it has no result" if job.state.terminal else "wait until it has ended"
        sentence = f"Pre-image {job.id} is {job.state}: {next_step}."
        raise ResultNotReadyError(sentence, f"preimages/{job.id}")
    if name not in job.outputs:
        shown = name[:_SHOWN_CHARACTERS]
        hint = suggest(name, list(job.outputs))
        raise ArtifactNotFoundError(
            f"The result has no file {shown!r}; {hint}", {"id": job.id, "name": shown}
        )
