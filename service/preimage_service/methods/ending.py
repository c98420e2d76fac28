"""CancelPreimage and DeletePreimage: stopping jobs and forgetting them."""

import logging

from preimage.v1.preimage_service_pb2 import (
    CancelPreimageRequest,
    CancelPreimageResponse,
    DeletePreimageRequest,
    DeletePreimageResponse,
)
from preimage_queue import CancelVerdict, DeleteVerdict
from preimage_service.backend import Backend
from preimage_service.checks.fields import check_text
from preimage_service.errors import (
    InvalidRequestError,
    PreimageNotFoundError,
    PreimageNotTerminalError,
)
from preimage_service.methods.reading import read_detail
from preimage_service.resources import to_preimage

LONGEST_REASON = 200
_log = logging.getLogger(__name__)


async def cancel(
    backend: Backend, tenant: str, request: CancelPreimageRequest
) -> CancelPreimageResponse:
    """Cancel a job; one that has ended stays as it is."""
    faults = list(check_text(request.reason, "reason", LONGEST_REASON))
    if faults:
        raise InvalidRequestError(faults)
    await read_detail(backend, tenant, request.id)  # of an audit nothing is told here
    reply = await backend.queue.cancel(request.id, tenant, request.reason)
    if reply.verdict is CancelVerdict.NOT_FOUND:
        raise PreimageNotFoundError(request.id)
    _log.info("%s", reply.verdict.sentence)
    detail = await read_detail(backend, tenant, request.id)
    return CancelPreimageResponse(preimage=to_preimage(detail))


async def delete(
    backend: Backend, tenant: str, request: DeletePreimageRequest
) -> DeletePreimageResponse:
    """Delete a job that has ended.

    Raises:
        PreimageNotTerminalError: it has not.
    """
    detail = await read_detail(backend, tenant, request.id)
    if not detail.job.state.terminal:
        sentence = f"Pre-image {request.id} is {detail.job.state}: cancel it, then delete it."
        raise PreimageNotTerminalError(sentence, f"preimages/{request.id}")
    verdict = await backend.queue.delete(request.id, tenant)
    if verdict is DeleteVerdict.NOT_FOUND:
        raise PreimageNotFoundError(request.id)
    _log.info("deleted")
    return DeletePreimageResponse()
