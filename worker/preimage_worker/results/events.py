"""What a beat says of a running job."""

from preimage.v1 import preimage_pb2 as wire
from preimage.v1 import work_pb2
from preimage_worker import pictures
from preimage_worker.jobs import Pulse


def event(pulse: Pulse) -> bytes:
    """The job's progress, and a preview where one is due."""
    report = pulse.report
    message = work_pb2.WorkEvent(
        progress=wire.Progress(
            step=report.step, total_steps=report.steps_total, objective=report.objective
        )
    )
    if pulse.raises:
        message.progress.activation = report.relative_error
    else:
        message.progress.relative_error = report.relative_error
    if pulse.preview:
        restart, pixels = pulse.preview
        message.preview.restart, message.preview.step = restart, report.step
        message.preview.png = pictures.png(pixels)
    return message.SerializeToString()
