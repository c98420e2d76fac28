"""AdminService: workers, dead letters, figures."""

import asyncio
import re
from collections.abc import Iterator

from preimage.v1 import spec_pb2
from preimage.v1.admin_service_pb2 import (
    DeadLetter,
    DrainWorkerRequest,
    DrainWorkerResponse,
    GetQueueStatsResponse,
    LaneStats,
    ListDeadLettersRequest,
    ListDeadLettersResponse,
    ListWorkersResponse,
    RedisStats,
    RequeueDeadLetterRequest,
    RequeueDeadLetterResponse,
    Worker,
)
from preimage_queue import Job, Lane, QueueStats, RequeueVerdict, WorkerSeen, is_id
from preimage_service.backend import Backend
from preimage_service.checks.fields import check_whole
from preimage_service.errors import (
    DeadLetterNotFoundError,
    InputsExpiredError,
    InvalidRequestError,
    Violation,
    WorkerNotFoundError,
)
from preimage_service.methods.reading import DEFAULT_PAGE, LARGEST_PAGE, read_job
from preimage_service.resources import to_preimage

_DEAD_TOKEN = re.compile(r"[0-9]{1,16} [0-9a-f]{32}")
_WIRE_LANES = {
    Lane.INTERACTIVE: spec_pb2.LANE_INTERACTIVE,
    Lane.BATCH: spec_pb2.LANE_BATCH,
    Lane.INSTANT: spec_pb2.LANE_UNSPECIFIED,
}


async def list_workers(backend: Backend) -> ListWorkersResponse:
    """Return the live workers by name."""
    seen = await backend.queue.list_workers()
    return ListWorkersResponse(workers=[_to_worker(one) for one in seen])


async def drain_worker(backend: Backend, request: DrainWorkerRequest) -> DrainWorkerResponse:
    """Ask a worker to finish and leave.

    Raises:
        WorkerNotFoundError: no live worker has the name.
    """
    if not await backend.queue.drain_worker(request.name):
        raise WorkerNotFoundError(request.name)
    for one in await backend.queue.list_workers():
        if one.name == request.name:
            return DrainWorkerResponse(worker=_to_worker(one))
    raise WorkerNotFoundError(request.name)


async def list_dead_letters(
    backend: Backend, request: ListDeadLettersRequest
) -> ListDeadLettersResponse:
    """Return a page of the jobs that failed for good, newest first."""
    faults = list(_check_listing(request))
    if faults:
        raise InvalidRequestError(faults)
    page = await backend.queue.list_dead(request.page_size or DEFAULT_PAGE, request.page_token)
    letters = await asyncio.gather(*(_to_letter(backend, job) for job in page.jobs))
    return ListDeadLettersResponse(
        dead_letters=[letter for letter in letters if letter is not None],
        next_page_token=page.next_cursor,
    )


async def requeue_dead_letter(
    backend: Backend, request: RequeueDeadLetterRequest
) -> RequeueDeadLetterResponse:
    """Put a dead letter back into the queue.

    Raises:
        DeadLetterNotFoundError: it is none.
        InputsExpiredError: its picture or code is gone.
    """
    if not is_id(request.id):
        raise DeadLetterNotFoundError(request.id)
    match await backend.queue.requeue_dead(request.id):
        case RequeueVerdict.NOT_FOUND:
            raise DeadLetterNotFoundError(request.id)
        case RequeueVerdict.MISSING_BLOB:
            raise InputsExpiredError(request.id)
        case RequeueVerdict.REQUEUED:
            owner = await backend.queue.owner(request.id)
            detail = await read_job(backend, owner, request.id)
            if detail is None:
                raise DeadLetterNotFoundError(request.id)
            return RequeueDeadLetterResponse(preimage=to_preimage(detail))


async def get_queue_stats(backend: Backend) -> GetQueueStatsResponse:
    """Return depth, age and storage of the queue."""
    stats, redis, workers = await asyncio.gather(
        backend.queue.stats(), backend.queue.persistence(), backend.queue.list_workers()
    )
    return GetQueueStatsResponse(
        lanes=[_to_lane(stats, lane) for lane in _WIRE_LANES],
        running=stats.running,
        dead_letters=stats.dead,
        queued_bytes=stats.queued_bytes,
        workers=stats.workers,
        slots=sum(worker.slots for worker in workers),
        redis=RedisStats(
            version=redis.redis_version,
            used_memory_bytes=stats.memory_used_bytes,
            maximum_memory_bytes=redis.memory_limit_bytes,
            eviction_policy=redis.policy,
            append_only=redis.append_only,
        ),
    )


def _to_lane(stats: QueueStats, lane: Lane) -> LaneStats:
    """A lane's figures; no age where nobody waits."""
    message = LaneStats(lane=_WIRE_LANES[lane], queued=stats.queued_by_lane.get(lane, 0))
    if (age := stats.oldest_queued_seconds.get(lane)) is not None:
        message.oldest_age.FromMilliseconds(round(age * 1000))
    return message


def _to_worker(seen: WorkerSeen) -> Worker:
    """What the worker says of itself, and what the registry knows better."""
    worker = Worker.FromString(seen.info)
    worker.name, worker.slots, worker.draining = seen.name, seen.slots, seen.draining
    worker.slot_steps_per_second = seen.cost_per_second
    worker.seen_time.FromMilliseconds(seen.announced_ms)
    return worker


async def _to_letter(backend: Backend, job: Job) -> DeadLetter | None:
    """A dead letter with its error; None if it was forgotten just now."""
    detail = await backend.queue.get_job(job.id, job.tenant)
    if detail is None:
        return None
    return DeadLetter(
        preimage=to_preimage(detail), tenant=job.tenant, deliveries=detail.job.deliveries
    )


def _check_listing(request: ListDeadLettersRequest) -> Iterator[Violation]:
    yield from check_whole(request.page_size, "page_size", 0, LARGEST_PAGE)
    if request.page_token and not _DEAD_TOKEN.fullmatch(request.page_token):
        yield Violation("page_token", "is none that this server has given out")
