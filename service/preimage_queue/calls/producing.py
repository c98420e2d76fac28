"""What a frontend does: bring jobs in, look at them, and stop them."""

import re
from collections.abc import Iterable
from typing import Final

from preimage_queue.call import Argument, Call, make_call
from preimage_queue.parsing import producing as parse
from preimage_queue.parsing.rows import verdict
from preimage_queue.quotas import NO_QUOTAS, Quotas, named_bytes, named_limits
from preimage_queue.records import JobDetail, NewJob, Prospect, State, new_id
from preimage_queue.replies import (
    BlobRef,
    CancelReply,
    DeleteVerdict,
    EventPage,
    JobPage,
    OutputChunk,
    Rejected,
    SubmitReply,
)
from preimage_queue.settings import QueueSettings

_MAX_REASON: Final = 512
_MAX_PAGE: Final = 1000
_EVENT_ID: Final = re.compile(r"[0-9]{1,19}-[0-9]{1,19}")

__all__ = [
    "cancel",
    "delete",
    "get_job",
    "list_jobs",
    "put_blob",
    "read_events",
    "read_output",
    "room",
    "submit",
]


def submit(settings: QueueSettings, job: NewJob, quotas: Quotas = NO_QUOTAS) -> Call[SubmitReply]:
    """Put a job into the queue, once for each (tenant, request_id).

    The first submit of a request makes the job; a later one with the same fingerprint is answered
    with the same id, one with another fingerprint with `Conflict`. All limits are checked in the
    same atomic step, with blobs first: `MissingBlob`, then `Rejected`. A result that is kept needs
    neither the blobs nor room for them.

    A job whose `computation` equals that of one that succeeded has its result at once: `CACHED`. If
    the equal one still waits or runs, the job follows it, takes no slot and ends as it does:
    `SHARED`. When that one is cancelled or deleted, its followers go on without it. Jobs with a
    deadline run by themselves: they neither follow nor lead. A job that waits in the lane `batch`
    does not hold up an interactive one: it steps back and follows it.

    Quotas bind what needs a run of its own. A job that is `CACHED` or `SHARED` uses no slot; of the
    quotas, only `jobs_queued` counts it.

    A deadline is refused as unattainable when live workers of the pool have said how fast they are
    and the work queued before the job takes longer than that. Nobody's word, no refusal.
    """
    named: dict[str, Argument] = {
        "id": job.id,
        "tenant": job.tenant,
        "request_id": job.request_id,
        "fingerprint": job.fingerprint,
        "lane": job.lane,
        "pool": job.pool,
        "batch_key": job.batch_key,
        "slots": job.slots,
        "cost": float(job.cost),
        "weight": float(job.weight),
        "spec": job.spec,
        "blobs": ",".join(job.blobs),
        "model": job.model,
        "layer": job.layer,
        "trace": job.trace,
        "unmetered": "" if job.metered else 1,
        "computation": job.computation if settings.shared_seconds else "",
        "refresh": int(job.refresh),
        "gathered": int(job.gathered),
        "presence_ms": max(1, round(settings.presence_seconds * 1000)),
        "deadline_ms": round((job.deadline_seconds or 0) * 1000),
        **_limits(settings, quotas),
    }
    return make_call(settings, "submit", parse.submitted, named)


def room(
    settings: QueueSettings, prospect: Prospect, quotas: Quotas = NO_QUOTAS
) -> Call[Rejected | None]:
    """Look whether `submit` would refuse a job now; None if not, as far as can be known yet.

    Changes nothing and promises nothing: it is for a producer who wants to refuse before it reads
    and stores what the job brings. None also for a request that has a job, and for one whose inputs
    a live job has or a kept result is of, if it shares: that one may be answered whatever there is
    room for.
    """
    named: dict[str, Argument] = {
        "tenant": prospect.tenant,
        "request_id": prospect.request_id,
        "lane": prospect.lane,
        "pool": prospect.pool,
        "slots": prospect.slots,
        "deadline_ms": round((prospect.deadline_seconds or 0) * 1000),
        "blobs": ",".join(prospect.blobs),
        "bytes": prospect.size_bytes,
        "shares": int(prospect.shares and settings.shared_seconds > 0),
        **_limits(settings, quotas),
    }
    return make_call(settings, "room", parse.refused, named)


def _limits(settings: QueueSettings, quotas: Quotas) -> dict[str, Argument]:
    return {
        "max_jobs": settings.max_queued_jobs,
        "max_bytes": settings.max_queued_bytes,
        **named_limits(quotas, settings.max_queued_jobs_per_tenant),
    }


def cancel(settings: QueueSettings, job_id: str, tenant: str, reason: str) -> Call[CancelReply]:
    """Cancel a job: at once if it is queued, by a flag for its worker if it is running.

    The flag is a wish. A worker that finishes before it has seen the flag is believed: the job ends
    SUCCEEDED. A job with the flag is never queued again: if its worker dies or hands it back, it
    ends CANCELLED. Of the reason, 512 characters are kept.
    """
    named: dict[str, Argument] = {"id": job_id, "tenant": tenant, "reason": reason[:_MAX_REASON]}
    return make_call(settings, "cancel", parse.cancelled, named)


def delete(
    settings: QueueSettings, job_id: str, tenant: str, token: str | None = None
) -> Call[DeleteVerdict]:
    """Remove a job with its result, outputs and events, and the blobs that only it needed.

    A queued job is cancelled first. A running one is asked to stop and vanishes when it ends.

    Args:
        settings: The queue's settings.
        job_id: The job.
        tenant: Its owner.
        token: Names this wish, so that its repetition gets the same answer; made up if None.
    """
    named: dict[str, Argument] = {"id": job_id, "tenant": tenant, "token": token or new_id()}
    return make_call(settings, "delete", verdict(DeleteVerdict), named)


def get_job(settings: QueueSettings, job_id: str, tenant: str) -> Call[JobDetail | None]:
    """Read a job with its payloads; None if the tenant has no such job."""
    named: dict[str, Argument] = {"id": job_id, "tenant": tenant}
    return make_call(settings, "get_job", parse.job_detail, named)


def list_jobs(
    settings: QueueSettings,
    tenant: str,
    limit: int = 50,
    cursor: str = "",
    states: Iterable[State] = (),
) -> Call[JobPage]:
    """List a tenant's jobs, newest first.

    Args:
        settings: The queue's settings.
        tenant: Whose jobs.
        limit: Jobs to look at, at most 1000. With a filter, a page may hold fewer and yet not be
            the last one.
        cursor: `next_cursor` of the page before; empty to begin.
        states: Only jobs in these states; empty for all.
    """
    named: dict[str, Argument] = {"tenant": tenant, "limit": _page(limit), "cursor": cursor}
    return make_call(settings, "list_jobs", parse.job_page, named, tuple(states))


def read_events(
    settings: QueueSettings, job_id: str, tenant: str, after: str = "", count: int = 100
) -> Call[EventPage | None]:
    """Read a job's events after one of them, and the job; None if the tenant has no such job.

    At most 1000 events come at once. Never waits for one: poll, about every 200 ms, until the job
    has ended and `more` is False.

    Raises:
        ValueError: `after` is not the id of an event.
    """
    if after and not _EVENT_ID.fullmatch(after):
        raise ValueError("after must be the id of an event, or empty")
    named: dict[str, Argument] = {
        "id": job_id,
        "tenant": tenant,
        "after": after,
        "count": _page(count),
    }
    return make_call(settings, "read_events", parse.event_page(after), named)


def _page(limit: int) -> int:
    return min(max(limit, 1), _MAX_PAGE)


def read_output(
    settings: QueueSettings,
    job_id: str,
    tenant: str,
    name: str,
    *,
    offset: int = 0,
    length: int = -1,
) -> Call[OutputChunk | None]:
    """Read a piece of an output that the attempt which ended the job has named.

    Args:
        settings: The queue's settings.
        job_id: The job.
        tenant: Its owner.
        name: One of `Job.outputs`.
        offset: First byte; not negative.
        length: Bytes at most; -1 for all.

    Returns:
        The piece and the size of the whole; None if there is no such output.
    """
    named: dict[str, Argument] = {
        "id": job_id,
        "tenant": tenant,
        "name": name,
        "offset": max(offset, 0),
        "length": length,
    }
    return make_call(settings, "read_output", parse.output_chunk, named)


def put_blob(
    settings: QueueSettings,
    tenant: str,
    data: bytes,
    *,
    digest: str = "",
    keep_seconds: float | None = None,
    gathered: bool = False,
    quotas: Quotas = NO_QUOTAS,
) -> Call[BlobRef | Rejected]:
    """Store bytes for jobs to come, under their own digest.

    A blob that no job uses is kept for a while from its last storing, and counts as queued bytes.
    A job that names it keeps it, and it goes with the last such job, unless more was promised:
    to an upload, or to a dead letter, which may be queued again.

    Args:
        settings: The queue's settings.
        tenant: Whose bytes.
        data: The bytes.
        digest: Their `blob_digest`, if it is known already.
        keep_seconds: How long to keep it for a job that follows at once. None: it is an upload, for
            any jobs to come, and stays for `upload_retention_seconds` whoever uses it meanwhile.
            Storing never shortens the time that an earlier storing has promised.
        gathered: It is one of many that a job needs and that are stored one after the other: for
            `keep_seconds` it stays even if another job ends that has it too. Else for two seconds.
        quotas: What the tenant may have.
    """
    ref = BlobRef(digest or parse.blob_digest(data), len(data))
    named: dict[str, Argument] = {
        "tenant": tenant,
        "digest": ref.digest,
        "max_bytes": settings.max_queued_bytes,
        "who": "uploader" if keep_seconds is None else "gatherer" if gathered else "sender",
        **named_bytes(quotas),
    }
    if keep_seconds is not None:
        named["upload_ms"] = max(1, round(keep_seconds * 1000))
    return make_call(settings, "put_blob", parse.blob_stored(ref), named, data=data)
