"""CreatePreimage: check, store, submit."""

from dataclasses import dataclass
from typing import final

from preimage.v1.preimage_service_pb2 import (
    CreatePreimageRequest,
    CreatePreimageResponse,
    InvertRequest,
)
from preimage.v1.spec_pb2 import PreimageSpec
from preimage.v1.tensor_pb2 import Tensor
from preimage_orders import Fit, Order
from preimage_queue import SubmitOutcome, Submitted
from preimage_service import admission, work
from preimage_service.backend import Backend
from preimage_service.checks.fitting import find_fit
from preimage_service.checks.presets import check_optimiser_fits
from preimage_service.checks.specs import check_request
from preimage_service.checks.taken import Inputs
from preimage_service.checks.terms import check_terms
from preimage_service.errors import InvalidRequestError
from preimage_service.glance import look_at_room
from preimage_service.inputs import take_inputs
from preimage_service.intake import find_model
from preimage_service.methods.reading import read_detail
from preimage_service.resources import to_preimage, to_waiting


@final
@dataclass(frozen=True, slots=True)
class Checked:
    """A request for a job in which nothing is wrong."""

    fit: Fit
    inputs: Inputs


async def create(
    backend: Backend, tenant: str, request: CreatePreimageRequest
) -> CreatePreimageResponse:
    """Accept a job.

    Raises:
        InvalidRequestError: everything that is wrong with the fields, at once.
        MissingError: the model or an uploaded tensor is not there.
        ModelNotServedError: no worker can do it now.
        ExhaustedError: the queue takes no more now.
    """
    checked = await check(backend, tenant, request)
    order, reply = await enqueue(backend, tenant, request, checked)
    if reply.created_ms is not None:
        return CreatePreimageResponse(preimage=to_waiting(order, reply.job_id, reply.created_ms))
    detail = await read_detail(backend, tenant, reply.job_id)
    existed = reply.outcome is SubmitOutcome.EXISTING
    return CreatePreimageResponse(preimage=to_preimage(detail), existed=existed)


async def check(
    backend: Backend, tenant: str, request: CreatePreimageRequest | InvertRequest
) -> Checked:
    """Find everything that is wrong with a request, unless there is no room for it anyway."""
    spec = request.spec
    faults = list(check_request(request, backend.settings))
    if not faults:
        await look_at_room(backend, tenant, request)
    inputs = await take_inputs(backend, tenant, spec)
    faults += [fault for taken in inputs for fault in taken.violations]
    fit = None
    model = await find_model(backend, spec.representation.model, faults)
    if model is not None:
        taken, settings = inputs.target, backend.settings
        fit, more = find_fit(model, spec.representation, taken, settings, "spec.representation")
        faults += [*more, *check_optimiser_fits(model, spec)]
        faults += check_terms(model, spec, inputs, settings)
    if faults or fit is None:
        raise InvalidRequestError(faults)
    # An upload that is gone is for the queue to miss: a request that was made before has its job,
    # and an equal job's result is kept, whatever has become of the input since.
    return Checked(fit, inputs)


async def enqueue(
    backend: Backend,
    tenant: str,
    request: CreatePreimageRequest | InvertRequest,
    checked: Checked,
) -> tuple[Order, Submitted]:
    """Store and submit a checked request: what the queue was asked to take, and its answer.

    What came inline is taken out of the request.
    """
    paths = {taken.path: taken for taken in checked.inputs}
    digests = {path: taken.digest for path, taken in paths.items()}
    _let_go_of_bytes(request.spec, checked.inputs)
    item = work.invert_item(request.spec, checked.fit, checked.inputs, digests)
    blobs = {digest: path for path, digest in digests.items() if digest}
    cache = request.cache_control
    order = Order(tenant, request.request_id, checked.fit, item, blobs, cache)
    return order, await admission.submit(backend, order, checked.inputs)


def _let_go_of_bytes(spec: PreimageSpec, inputs: Inputs) -> None:
    """Take out of a specification what is to be stored: it would be copied to be thrown away."""
    for taken in inputs:
        if isinstance(taken.tensor, Tensor):
            taken.tensor.ClearField("data")
    if spec.target.picture.HasField("encoded"):
        spec.target.picture.ClearField("encoded")
