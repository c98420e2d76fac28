"""GetPreimage and ListPreimages: looking at jobs."""

import asyncio
from collections.abc import Iterator

from preimage.v1.preimage_pb2 import State as WireState
from preimage.v1.preimage_service_pb2 import (
    GetPreimageRequest,
    GetPreimageResponse,
    ListPreimagesRequest,
    ListPreimagesResponse,
    PreimageFilter,
)
from preimage_orders import AUDIT_POOL, is_of_an_audit
from preimage_queue import Job, JobDetail, Lane, is_id
from preimage_service.audit_errors import AuditNotFoundError
from preimage_service.backend import Backend
from preimage_service.checks.fields import check_enum, check_whole
from preimage_service.errors import InvalidRequestError, PreimageNotFoundError, Violation
from preimage_service.resources import WIRE_STATES, to_preimage

LARGEST_PAGE, DEFAULT_PAGE = 200, 50
_QUEUE_STATES = {wire: state for state, wire in WIRE_STATES.items()}


def is_audit(job: Job) -> bool:
    """Whether it is an audit: those have methods of their own, and are unknown to all others."""
    return job.pool == AUDIT_POOL


async def read_job(backend: Backend, tenant: str, job_id: str) -> JobDetail | None:
    """Read a job of any kind; None if the tenant has no such job."""
    return await backend.queue.get_job(job_id, tenant) if is_id(job_id) else None


async def read_detail(backend: Backend, tenant: str, job_id: str) -> JobDetail:
    """Read a job that is no audit.

    Raises:
        PreimageNotFoundError: the tenant has no such job.
    """
    detail = await read_job(backend, tenant, job_id)
    if detail is None or is_audit(detail.job):
        raise PreimageNotFoundError(job_id)
    return detail


async def read_audit(backend: Backend, tenant: str, audit_id: str) -> JobDetail:
    """Read an audit.

    Raises:
        AuditNotFoundError: the tenant has no such audit.
    """
    detail = await read_job(backend, tenant, audit_id)
    if detail is None or not is_audit(detail.job):
        raise AuditNotFoundError(audit_id)
    return detail


async def get(backend: Backend, tenant: str, request: GetPreimageRequest) -> GetPreimageResponse:
    """Return a job."""
    detail = await read_detail(backend, tenant, request.id)
    return GetPreimageResponse(preimage=to_preimage(detail))


async def list_page(
    backend: Backend, tenant: str, request: ListPreimagesRequest
) -> ListPreimagesResponse:
    """Return a page of the tenant's inversions, newest first."""
    faults = list(_check_listing(request))
    if faults:
        raise InvalidRequestError(faults)
    page = await backend.queue.list_jobs(
        tenant,
        limit=request.page_size or DEFAULT_PAGE,
        cursor=request.page_token,
        states=[_QUEUE_STATES[state] for state in request.filter.states],
    )
    wanted = [job for job in page.jobs if _is_wanted(job, request.filter)]
    details = await asyncio.gather(*(backend.queue.get_job(job.id, tenant) for job in wanted))
    return ListPreimagesResponse(
        preimages=[to_preimage(detail, with_result=False) for detail in details if detail],
        next_page_token=page.next_cursor,
    )


def _is_wanted(job: Job, wish: PreimageFilter) -> bool:
    if job.lane is Lane.INSTANT or is_audit(job) or is_of_an_audit(job.request_id):
        return False
    return wish.model in ("", job.model) and wish.layer in ("", job.layer)


def _check_listing(request: ListPreimagesRequest) -> Iterator[Violation]:
    yield from check_whole(request.page_size, "page_size", 0, LARGEST_PAGE)
    if request.page_token and not is_id(request.page_token):
        yield Violation("page_token", "is none that this server has given out")
    for index, state in enumerate(request.filter.states):
        path = f"filter.states[{index}]"
        yield from check_enum(state, WireState.DESCRIPTOR, path)
        if state == WireState.STATE_UNSPECIFIED:
            yield Violation(path, "must name a state")
