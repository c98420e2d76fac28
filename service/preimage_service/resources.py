"""From a job of the queue to the resource that callers see. Pure translation."""

from collections.abc import Mapping

from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from preimage.v1.preimage_pb2 import Origin, Preimage, PreimageResult, Progress
from preimage.v1.preimage_pb2 import State as WireState
from preimage.v1.spec_pb2 import PreimageSpec, Representation
from preimage.v1.work_pb2 import WorkEvent, WorkItem, WorkResult
from preimage_orders import Order, steps_ahead
from preimage_queue import Job, JobDetail, State
from preimage_service.errors import DOMAIN

WIRE_STATES = {
    State.QUEUED: WireState.STATE_QUEUED,
    State.RUNNING: WireState.STATE_RUNNING,
    State.SUCCEEDED: WireState.STATE_SUCCEEDED,
    State.FAILED: WireState.STATE_FAILED,
    State.CANCELLED: WireState.STATE_CANCELLED,
}
_UNEXPLAINED: Mapping[str, tuple[int, str]] = {
    "DEADLINE_EXCEEDED": (
        Code.DEADLINE_EXCEEDED,
        "The deadline passed before the job could start: allow more time, or use fewer steps.",
    ),
    "MAX_DELIVERIES": (
        Code.ABORTED,
        "Every worker that took the job up was lost: ask for a smaller picture or fewer restarts.",
    ),
}
"""Ends that no worker was there to explain."""

_WORKER_ERROR = (Code.UNKNOWN, "The worker failed on this job.")


def to_preimage(detail: JobDetail, *, with_result: bool = True) -> Preimage:
    """The resource of a job."""
    job, item = detail.job, WorkItem.FromString(detail.spec)
    preimage = Preimage(
        id=job.id,
        request_id="" if job.request_id == job.id else job.request_id,
        state=WIRE_STATES[job.state],
        spec=_spec_of(item),
        progress=_progress_of(detail),
        cancel_reason=job.cancel_reason,
        attempt=job.attempt,
        create_time=to_timestamp(job.created_ms),
        start_time=to_timestamp(job.started_ms),
        end_time=to_timestamp(job.finished_ms),
        expire_time=to_timestamp(job.expires_ms),
        origin=_origin_of(job),
    )
    if job.state is State.FAILED:
        preimage.error.CopyFrom(error_of(detail))
    if with_result and job.state is State.SUCCEEDED:
        preimage.result.CopyFrom(_result_of(detail))
    return preimage


def to_waiting(order: Order, job_id: str, created_ms: int) -> Preimage:
    """The resource of an inversion that has just come into the queue: it is as it was handed in."""
    spec = order.item.invert
    return Preimage(
        id=job_id,
        request_id=order.request_id,
        state=WireState.STATE_QUEUED,
        spec=spec,
        progress=Progress(total_steps=steps_ahead(spec, order.fit)),
        create_time=to_timestamp(created_ms),
    )


def error_of(
    detail: JobDetail, unexplained: Mapping[str, tuple[int, str]] = _UNEXPLAINED
) -> Status:
    """Why a job failed: the worker's word, or if there is none, what the queue knows."""
    if detail.error:
        return Status.FromString(detail.error)
    code, sentence = unexplained.get(detail.job.reason, _WORKER_ERROR)
    reason = detail.job.reason or "WORKER_ERROR"
    status = Status(code=code, message=sentence)
    status.details.add().Pack(ErrorInfo(reason=reason, domain=DOMAIN))
    return status


def _origin_of(job: Job) -> Origin | None:
    """Whose run it shares."""
    whose = job.origin or job.follows
    return Origin(id=whose, cached=job.cached) if whose else None


def total_steps(job: Job) -> int:
    """Steps of the schedule, before a worker says it: the cost is slots × steps."""
    return round(job.cost / job.slots) if job.slots else 0


def to_timestamp(milliseconds: int | None) -> Timestamp | None:
    """A time of the queue on the wire."""
    if milliseconds is None:
        return None
    stamp = Timestamp()
    stamp.FromMilliseconds(milliseconds)
    return stamp


def _spec_of(item: WorkItem) -> PreimageSpec:
    """What was asked for; of other work, which operators may see here, its representation."""
    if item.HasField("invert"):
        return item.invert
    if item.HasField("audit"):
        asked = item.audit.spec
        return PreimageSpec(representation=Representation(model=asked.model, layer=asked.layers[0]))
    return PreimageSpec(representation=item.extract.representation)


def _result_of(detail: JobDetail) -> PreimageResult:
    return WorkResult.FromString(detail.result).invert


def _progress_of(detail: JobDetail) -> Progress:
    """How far it is, as its worker last reported; after the end, the best picture's."""
    job = detail.job
    progress = Progress()
    progress.CopyFrom(WorkEvent.FromString(detail.event).progress)
    progress.step = job.step
    progress.total_steps = progress.total_steps or total_steps(job)
    if job.state is State.SUCCEEDED:
        result = _result_of(detail)
        if result.best < len(result.reconstructions):
            best = result.reconstructions[result.best]
            progress.step = best.steps
            progress.relative_error = best.errors.relative
            if best.HasField("activation"):
                progress.activation = best.activation.optimised
            progress.objective = best.loss_curve.objective[-1] if best.loss_curve.objective else 0.0
    return progress
