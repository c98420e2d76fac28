"""ExtractFeatures: the code Φ₀ of a picture, computed by a worker while the caller waits."""

from collections.abc import Iterator

from preimage.v1.model_service_pb2 import ExtractFeaturesRequest, ExtractFeaturesResponse
from preimage.v1.tensor_pb2 import Tensor
from preimage.v1.work_pb2 import ExtractedFeatures, WorkResult
from preimage_orders import Fit, Order
from preimage_queue import JobDetail, State
from preimage_service import admission, work
from preimage_service.backend import Backend
from preimage_service.checks.fields import check_whole
from preimage_service.checks.fitting import find_fit
from preimage_service.checks.layers import check_representation
from preimage_service.checks.taken import Taken
from preimage_service.errors import (
    InvalidRequestError,
    JobFailedError,
    ResultNotReadyError,
    Violation,
)
from preimage_service.glance import look_at_room_for_code
from preimage_service.intake import find_model, take_picture
from preimage_service.methods.awaited import Patience, run_to_end
from preimage_service.methods.downloading import read_whole
from preimage_service.resources import error_of
from preimage_service.waiting import INSTANT

_DEFAULT_INLINE_BYTES = 3 * 2**20


async def extract(
    backend: Backend, tenant: str, request: ExtractFeaturesRequest
) -> ExtractFeaturesResponse:
    """Compute the code of a picture.

    Raises:
        InvalidRequestError: everything that is wrong with the fields, at once.
        JobFailedError: the worker's own status.
        WaitTimeoutError: it did not end within the server's limit.
    """
    fit, taken = await _check(backend, tenant, request)
    patience = Patience(backend.settings.extract_limit_seconds, INSTANT, outlives_server=False)
    making = _enqueue(backend, tenant, request, fit, taken)
    detail = await run_to_end(backend, tenant, making, patience)
    extracted = _extracted(detail)
    response = ExtractFeaturesResponse(
        id=detail.job.id,
        shape=extracted.code.shape,
        input_size=extracted.input_size,
        provenance=extracted.provenance,
    )
    if extracted.code.size_bytes <= (request.maximum_inline_bytes or _DEFAULT_INLINE_BYTES):
        data = await read_whole(backend, tenant, detail.job.id, extracted.code.name)
        code = Tensor(dtype=extracted.code.dtype, shape=extracted.code.shape, data=data)
        response.features.CopyFrom(code)
    return response


async def _check(
    backend: Backend, tenant: str, request: ExtractFeaturesRequest
) -> tuple[Fit, Taken]:
    """Find everything that is wrong with a request, unless there is no room for it anyway."""
    await look_at_room_for_code(backend, tenant, request)
    taken = await take_picture(backend, tenant, request.picture, "picture")
    faults = [*_check_fields(backend, request), *taken.violations]
    wish, fit = request.representation, None
    model = await find_model(backend, wish.model, faults)
    if model is not None:
        fit, more = find_fit(model, wish, taken, backend.settings, "representation")
        faults += more
    if faults or fit is None:
        raise InvalidRequestError(faults)
    if taken.missing:
        raise taken.missing
    return fit, taken


def _check_fields(backend: Backend, request: ExtractFeaturesRequest) -> Iterator[Violation]:
    yield from check_representation(request.representation, "representation")
    most = backend.settings.maximum_message_bytes
    yield from check_whole(request.maximum_inline_bytes, "maximum_inline_bytes", 0, most)


async def _enqueue(
    backend: Backend, tenant: str, request: ExtractFeaturesRequest, fit: Fit, taken: Taken
) -> str:
    item = work.extract_item(request.representation, fit, taken, taken.digest)
    order = Order(tenant, "", fit, item, {taken.digest: taken.path})
    return (await admission.submit(backend, order, [taken])).job_id


def _extracted(detail: JobDetail) -> ExtractedFeatures:
    match detail.job.state:
        case State.SUCCEEDED:
            return WorkResult.FromString(detail.result).extract
        case State.FAILED:
            raise JobFailedError(error_of(detail))
        case _:
            subject = f"preimages/{detail.job.id}"
            raise ResultNotReadyError("The extraction was cancelled.", subject)
