"""Invert: create, wait, and return the pictures, all in one bounded call.

The job lives for this call: when the caller goes away, or the time is over, it is cancelled. One
that ended FAILED or CANCELLED is an answer, not an error of the call: the resource says why.
"""

from preimage.v1.preimage_pb2 import Artifact, Preimage
from preimage.v1.preimage_service_pb2 import InvertRequest, InvertResponse
from preimage.v1.tensor_pb2 import DataType, Tensor
from preimage_orders import Fit
from preimage_service.backend import Backend
from preimage_service.checks.tensors import SIZES_BYTES
from preimage_service.errors import InvalidRequestError, Violation
from preimage_service.methods.awaited import Patience, run_to_end
from preimage_service.methods.creating import Checked, check, enqueue
from preimage_service.methods.downloading import read_whole
from preimage_service.resources import to_preimage
from preimage_service.waiting import WATCHING

_FLOAT_BYTES = SIZES_BYTES[DataType.DATA_TYPE_FLOAT32]
_PICTURE_SUFFIX, _FLOAT_SUFFIX = "/picture.png", "/picture.f32"


async def invert(backend: Backend, tenant: str, request: InvertRequest) -> InvertResponse:
    """Create a job and return it with its pictures.

    Raises:
        ServiceError: whatever CreatePreimage raises.
        WaitTimeoutError: it did not end within the server's limit; it is cancelled.
        DrainingError: this server ends. With a request_id the job lives on, and the same call to
            another server finds it; without one it is cancelled.
    """
    checked = await check(backend, tenant, request)
    if request.include_float:
        _check_floats(backend, request, checked.fit)
    limit_seconds = backend.settings.invert_limit_seconds
    patience = Patience(limit_seconds, WATCHING, outlives_server=bool(request.request_id))
    making = _enqueue(backend, tenant, request, checked)
    detail = await run_to_end(backend, tenant, making, patience)
    response = InvertResponse(preimage=to_preimage(detail))
    response.server_limit.FromMilliseconds(round(limit_seconds * 1000))
    await _add_pictures(backend, tenant, response, include_float=request.include_float)
    return response


async def _enqueue(backend: Backend, tenant: str, request: InvertRequest, checked: Checked) -> str:
    _, reply = await enqueue(backend, tenant, request, checked)
    return reply.job_id


def _check_floats(backend: Backend, request: InvertRequest, fit: Fit) -> None:
    """Refuse float pictures that make a response larger than any request may be."""
    channels = fit.model.preprocessing.channels
    total = max(request.spec.restarts, 1) * channels * fit.size.pixels * _FLOAT_BYTES
    most = backend.settings.maximum_message_bytes
    if total > most:
        sentence = f"would be {total} bytes, more than {most}: fetch them with DownloadResult"
        raise InvalidRequestError([Violation("include_float", sentence)])


async def _add_pictures(
    backend: Backend, tenant: str, response: InvertResponse, *, include_float: bool
) -> None:
    for artifact in _artifacts(response.preimage, _PICTURE_SUFFIX):
        png = await read_whole(backend, tenant, response.preimage.id, artifact.name)
        response.pictures.append(png)
    if not include_float:
        return
    for artifact in _artifacts(response.preimage, _FLOAT_SUFFIX):
        data = await read_whole(backend, tenant, response.preimage.id, artifact.name)
        response.float_pictures.append(
            Tensor(dtype=artifact.dtype, shape=artifact.shape, data=data)
        )


def _artifacts(preimage: Preimage, suffix: str) -> list[Artifact]:
    """The artifacts of one kind, in the order of the restarts."""
    return [
        artifact
        for reconstruction in preimage.result.reconstructions
        for artifact in reconstruction.artifacts
        if artifact.name.endswith(suffix)
    ]
