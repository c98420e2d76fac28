"""What a job of an audit ended with, as a finding."""

import math

import numpy as np
from google.rpc.status_pb2 import Status

from preimage.v1 import preimage_pb2, work_pb2
from preimage_queue import JobDetail, Queue, State
from preimage_worker import pictures
from preimage_worker.audit.inverter import Attempt, Found
from preimage_worker.auditor.errors import InversionFailedError

_DIVERGED = "DIVERGED"
_PNG = "image/png"
_GREY = 128


def finding(
    queue: Queue, detail: JobDetail, attempt: Attempt, channels: int, limits: pictures.Limits
) -> Found:
    """What an ended job found.

    Raises:
        InversionFailedError: it ended without a pre-image, for another reason than its objective.
    """
    job = detail.job
    if job.state is State.SUCCEEDED:
        result = work_pb2.WorkResult.FromString(detail.result).invert
        return _found(queue, detail, result.reconstructions[result.best], channels, limits)
    if job.state is State.FAILED and job.reason == _DIVERGED:
        grey = np.full((attempt.height, attempt.width, channels), _GREY, np.uint8)
        return Found(grey, math.nan, math.nan)
    raise InversionFailedError(
        f"The inversion {attempt.name} ended {job.state.value}"
        f"{f' ({job.reason})' if job.reason else ''}{_words(detail)}"
    )


def _words(detail: JobDetail) -> str:
    message = Status.FromString(detail.error).message if detail.error else ""
    return f": {message}" if message else "."


def _found(
    queue: Queue,
    detail: JobDetail,
    best: preimage_pb2.Reconstruction,
    channels: int,
    limits: pictures.Limits,
) -> Found:
    (name,) = [each.name for each in best.artifacts if each.media_type == _PNG]
    file = queue.read_output(detail.job.id, detail.job.tenant, name)
    if file is None:
        raise InversionFailedError(f"The picture of the inversion {detail.job.id} is gone.")
    pixels = pictures.decode(file.data, limits)
    curve = best.loss_curve.relative_error
    diverged = best.outcome == preimage_pb2.OUTCOME_DIVERGED
    return Found(
        picture=pixels[:, :, :channels],
        start_error=float(curve[0]) if curve else math.nan,
        end_error=math.nan if diverged else best.errors.relative_delivered,
    )
