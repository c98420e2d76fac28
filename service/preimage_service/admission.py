"""The door: what was taken in is stored, the job is submitted, and a refusal becomes an error."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from preimage_logging import about
from preimage_orders import AUDIT_POOL, Order, new_job
from preimage_queue import (
    Conflict,
    Lane,
    MissingBlob,
    NewJob,
    Rejected,
    RejectReason,
    SubmitOutcome,
    Submitted,
)
from preimage_service.backend import Backend
from preimage_service.checks.taken import Taken
from preimage_service.denials import SlotSecondsSpentError, TenantBytesFullError
from preimage_service.errors import (
    DeadlineUnattainableError,
    ExhaustedError,
    InvalidRequestError,
    QueueBytesFullError,
    QueueFullError,
    RequestIdReusedError,
    ServiceError,
    TenantQueueFullError,
    TensorNotFoundError,
    Violation,
)
from preimage_service.identity import caller
from preimage_service.tracing import JOB_ID
from preimage_tracing import Attributes, current

_UNTIL_SUBMITTED_SECONDS = 60.0
"""What comes inline is used at once. If the queue then refuses the job, its bytes must not go on
counting as uploads do, or an hour of refusals would keep the queue full."""

_BY_EQUALS = {SubmitOutcome.CACHED: "hit", SubmitOutcome.SHARED: "shared"}
_log = logging.getLogger(__name__)

_REFUSALS: dict[RejectReason, tuple[type[ExhaustedError], str, str]] = {
    RejectReason.QUEUED_JOBS: (
        QueueFullError,
        "queue",
        "The queue holds {limit} jobs and takes no more now: try again later.",
    ),
    RejectReason.QUEUED_BYTES: (
        QueueBytesFullError,
        "queue",
        "Waiting jobs and uploads hold {limit} bytes, as many as they may: try again later.",
    ),
    RejectReason.TENANT_JOBS: (
        TenantQueueFullError,
        "tenant:{tenant}",
        "You have {limit} jobs waiting, as many as you may (jobs_queued): let some end first.",
    ),
    RejectReason.TENANT_BYTES: (
        TenantBytesFullError,
        "tenant:{tenant}:bytes_queued",
        "Your waiting jobs and uploads hold {limit} bytes (bytes_queued): let some of them end.",
    ),
    RejectReason.SLOT_SECONDS: (
        SlotSecondsSpentError,
        "tenant:{tenant}:slot_seconds",
        "Your jobs have used up the {seconds:g} slot-seconds of an hour (slot_seconds): wait.",
    ),
    RejectReason.DEADLINE_UNATTAINABLE: (
        DeadlineUnattainableError,
        "deadline",
        "The work that waits takes about {seconds:.1f} s, longer than the deadline: allow more.",
    ),
}


async def store_bytes(
    backend: Backend, tenant: str, data: bytes, *, gathered_for_seconds: float | None = None
) -> str:
    """Store bytes; return their digest. Kept as long as uploads are, or until a job has them all.

    Raises:
        QueueBytesFullError: waiting jobs hold too many bytes.
    """
    quotas = caller().quotas
    reply = await backend.queue.put_blob(
        tenant,
        data,
        keep_seconds=gathered_for_seconds,
        gathered=gathered_for_seconds is not None,
        quotas=quotas,
    )
    if isinstance(reply, Rejected):
        raise refusal(backend, tenant, reply)
    return reply.digest


async def submit(backend: Backend, order: Order, inputs: Iterable[Taken]) -> Submitted:
    """Ask the queue to take a job, and what came inline with it.

    Raises:
        RequestIdReusedError: the request_id stands for other content.
        TensorNotFoundError: an uploaded tensor is gone.
        InvalidRequestError: no worker has as many slots as there are restarts.
        ExhaustedError: a limit is reached.
    """
    inline = {taken.digest: taken.data for taken in inputs if taken.data}
    return await hand_in(backend, new_job(order), order.blobs, inline)


async def hand_in(
    backend: Backend,
    made: NewJob,
    blobs: Mapping[str, str],
    inline: Mapping[str, bytes] = MappingProxyType({}),
) -> Submitted:
    """Ask the queue to take a job of any kind.

    Args:
        backend: The frontend's parts.
        made: The job; the caller's weight comes to it here.
        blobs: Digests of all that it needs, and what brought them.
        inline: Those of them that are to be stored first, by their digests.

    Raises: as `submit`.
    """
    span = current()
    job = replace(made, weight=caller().weight, trace=span.traceparent)
    reply = await backend.queue.submit_with(
        job, inline, keep_seconds=_UNTIL_SUBMITTED_SECONDS, quotas=caller().quotas
    )
    if isinstance(reply, Submitted):
        span.note(_words(job, reply))
        _count(backend, job, reply.outcome)
        word = reply.outcome.value.lower()
        about(reply.job_id, "audit" if job.pool == AUDIT_POOL else "job")
        _log.info("%s, %s %s, %d slots", word, job.model, job.layer, job.slots)
        return reply
    if isinstance(reply, Conflict):
        raise RequestIdReusedError
    if isinstance(reply, MissingBlob):
        raise TensorNotFoundError(blobs[reply.digest], reply.digest)
    raise refusal(backend, job.tenant, reply)


def _words(job: NewJob, reply: Submitted) -> Attributes:
    """What the span of a call says of the job that it has led to."""
    return {
        JOB_ID: reply.job_id,
        "preimage.model": job.model,
        "preimage.layer": job.layer,
        "preimage.submitted": reply.outcome.value,
    }


def _count(backend: Backend, job: NewJob, outcome: SubmitOutcome) -> None:
    """Count what equal jobs meant for this one. Repeated requests and other work are none."""
    if outcome is SubmitOutcome.EXISTING or job.lane is Lane.INSTANT or job.pool == AUDIT_POOL:
        return
    word = _BY_EQUALS.get(outcome, "miss")
    if word == "miss" and job.refresh:
        word = "refresh"
    if not (job.computation and backend.queue.settings.shared_seconds):
        word = "bypass"
    backend.meters.cache.labels(word).inc()


def refusal(backend: Backend, tenant: str, reply: Rejected) -> ServiceError:
    """Count a refusal and make an error of it."""
    backend.doubts.note(tenant, reply.reason)
    backend.meters.rejections.labels(reply.reason.value).inc()
    _log.info("refused: %s", reply.reason.sentence)
    if reply.reason is RejectReason.TOO_WIDE:
        sentence = f"is more than the {reply.limit} slots of the largest worker: ask for fewer"
        return InvalidRequestError([Violation("spec.restarts", sentence)])
    kind, subject, sentence = _REFUSALS[reply.reason]
    message = sentence.format(limit=reply.limit, seconds=reply.limit / 1000)
    return kind(message, subject.format(tenant=tenant), reply.retry_after_ms / 1000)
