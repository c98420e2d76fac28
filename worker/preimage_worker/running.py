"""A job while it is in the batch: what is known of its restarts, and what is due."""

from dataclasses import dataclass, field
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray

from preimage_worker.checkpoints import collect
from preimage_worker.inversion.lanes import LaneBatch
from preimage_worker.inversion.outcome import Outcome
from preimage_worker.inversion.report import LaneReport
from preimage_worker.inversion.settings import Loss
from preimage_worker.jobs import Delivery, LaneResult, Pulse, Returned
from preimage_worker.pictures import SHOWN_CHANNELS, to_pixels
from preimage_worker.spec import Plan


@final
@dataclass(eq=False)
class Running:
    """The mutable record of one job; only the thread that computes touches it."""

    delivery: Delivery
    plan: Plan
    checkpoint_at: float
    """Of the monotonic clock, when the last checkpoint was taken."""
    reports: dict[int, LaneReport] = field(default_factory=dict)
    """Newest numbers of each restart that is still running."""
    finished: dict[int, LaneResult] = field(default_factory=dict)
    fault: Exception | None = None
    """What its measurement raised."""
    preview_step: int = 0
    largest_batch: int = 0

    @property
    def done(self) -> bool:
        """Whether every restart has ended."""
        return len(self.finished) == len(self.plan.problems)

    def note(self, restart: int, report: LaneReport, lanes: int) -> None:
        """Keeps the newest numbers of a restart, and the size of the batch that it ran in."""
        self.reports[restart] = report
        self.largest_batch = max(self.largest_batch, lanes)

    def ended(self, restart: int, now: float) -> Outcome | None:
        """How a restart ended, by itself or by the job's deadline; None while it runs."""
        deadline = self.delivery.deadline_at
        late = deadline is not None and now >= deadline
        return self.reports[restart].outcome or (Outcome.DEADLINE if late else None)

    def finish(self, result: LaneResult) -> None:
        """Keeps the result of a restart."""
        self.finished[result.restart] = result
        del self.reports[result.restart]

    def preview_due(self, step: int) -> bool:
        """Whether a watcher asked for a picture by now, of pre-images that can be shown."""
        every = self.plan.preview_every_steps
        shown = self.plan.representation.channels in SHOWN_CHANNELS
        return shown and every > 0 and step - self.preview_step >= every


def lane_levels(batch: LaneBatch, index: int, plan: Plan) -> NDArray[np.float32]:
    """What a lane would deliver now, in grey levels 0…255, `(channels, height, width)`."""
    canvas = batch.pictures([index])[0].cpu().numpy()
    mean = np.asarray(plan.representation.mean, dtype=np.float32)
    return np.ascontiguousarray(canvas + mean[:, None, None], dtype=np.float32)


def pulse(running: Running, batch: LaneBatch, lanes: dict[int, int], *, checkpoint: bool) -> Pulse:
    """What the next beat says of a job; `lanes` are its lanes in the batch by restart."""
    best = min(running.reports, key=lambda restart: running.reports[restart].objective)
    report = running.reports[best]
    preview = None
    if running.preview_due(report.step):
        running.preview_step = report.step
        preview = (best, to_pixels(lane_levels(batch, lanes[best], running.plan)))
    snapshot = snapshots(running, batch, lanes) if checkpoint else None
    raises = running.plan.settings.loss is Loss.INNER
    return Pulse(running.delivery.ticket, report, preview, snapshot, report.step, raises)


def snapshots(running: Running, batch: LaneBatch, lanes: dict[int, int]) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint of this job."""
    return collect(
        {restart: batch.snapshot(index) for restart, index in lanes.items()}, running.finished
    )


def returned(running: Running, batch: LaneBatch, lanes: dict[int, int]) -> Returned:
    """The job with a checkpoint, for handing it back."""
    step = min((report.step for report in running.reports.values()), default=0)
    snapshot = snapshots(running, batch, lanes) if running.reports else None
    return Returned(running.delivery.ticket, snapshot, step)


def lane_result(
    running: Running, batch: LaneBatch, index: int, restart: int, outcome: Outcome
) -> LaneResult:
    """Measures a lane that has ended: errors of the float and of the delivered picture."""
    (measurement,) = batch.measure([index])
    curve = batch.curve(index)
    return LaneResult(
        restart=restart,
        outcome=outcome,
        measurement=measurement,
        steps=running.reports[restart].step,
        curve=curve,
        levels=lane_levels(batch, index, running.plan),
        walked=batch.walked(index),
    )
