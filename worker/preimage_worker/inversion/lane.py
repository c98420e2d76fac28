"""One lane as the host knows it: its problem, its place in the schedule, and what it has measured.

Everything that steers a lane is known before a step is taken: rate, reset, jitter. So it is decided
here, in plain Python, and the device is never asked.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple, Self, final

import numpy as np
import numpy.typing as npt

from preimage_worker.inversion.jitter import STILL, Offset, centre_offset, random_offset
from preimage_worker.inversion.outcome import Outcome
from preimage_worker.inversion.priors import PRIORS
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.report import LaneReport
from preimage_worker.inversion.repulsion import Repulsion
from preimage_worker.inversion.settings import Segment
from preimage_worker.inversion.walk import Waypoint

CHECK_STEPS = 10
"""Stop rules are looked at when a lane has taken a multiple of so many steps of its own.

Not whenever a run happens to end: that depends on the device and on who shares the batch.
"""
FLOOR_PASSES = 2
"""Forward passes that measuring a noise floor takes."""
CURVE_COLUMNS = ("objective", "data", *PRIORS, "relative_error")
"""What is measured at every step, of the canvas before its update. The last column is
`DataTerm.achieved`: of Loss.INNER the activation, since there is no error."""

Curve = npt.NDArray[np.float32]


class Move(NamedTuple):
    """What one lane does in one step."""

    rate: float
    """Of the optimiser."""
    age: int
    """Steps of the segment before this one; at 0 the buffers are zeroed."""
    jittered: bool
    """Whether the canvas has its margin in this step."""
    offset: Offset
    """Of the crop that is fed."""


@final
@dataclass(frozen=True, eq=False)
class Lane:
    """Immutable: `advance` gives the lane some steps later."""

    problem: Problem
    """What it solves."""
    segment: int = 0
    """Index of the schedule's segment that the next step belongs to."""
    segment_step: int = 0
    """Steps taken in that segment."""
    step: int = 0
    """Steps taken in all."""
    jittered: bool = False
    """Whether the stored canvas still has its margin."""
    curve: tuple[Curve, ...] = ()
    """`(steps, 5)` arrays, one after the other."""
    outcome: Outcome | None = None
    """Its end."""
    begun: int = 0
    """The step with which the segment began that was last measured."""
    walked: tuple[Waypoint, ...] = ()
    """Of a problem that walks: where each segment that is over led."""

    @classmethod
    def begin(cls, problem: Problem) -> Self:
        """The lane before its first step."""
        return cls(problem, jittered=problem.settings.segments[0].jitter)

    @property
    def remaining(self) -> int:
        """Steps left of the schedule; 0 for a lane that has ended."""
        if self.outcome is not None:
            return 0
        left = sum(segment.steps for segment in self._segments[self.segment :])
        return left - self.segment_step

    @property
    def until_look(self) -> int:
        """Steps until the lane must be looked at: its schedule ends, or its stop rule is due."""
        most = self.remaining
        if most and (self.problem.walk is not None or self.problem.repulsion is not None):
            most = self._segments[self.segment].steps - self.segment_step
        if not self.problem.stop.asks:
            return most
        return min(most, CHECK_STEPS - self.step % CHECK_STEPS)

    @property
    def prior_factor(self) -> float:
        """Of the segment that the next step belongs to."""
        return self._segments[min(self.segment, len(self._segments) - 1)].prior_factor

    @property
    def repulsion(self) -> Repulsion | None:
        """What pushes the lane now: nothing while its picture settles, in the last segment."""
        settles = self.segment + 1 >= len(self._segments)
        return None if settles else self.problem.repulsion

    @property
    def passes(self) -> int:
        """Passes through the representation so far."""
        return self.step + FLOOR_PASSES * len(self.walked)

    @property
    def arrived(self) -> bool:
        """Whether a segment of a walk is over and where it led is still to be measured."""
        walks = self.problem.walk is not None and self.outcome is None
        return walks and self.segment_step == 0 and self.segment > len(self.walked)

    def arrive(self, noise_floor: float) -> "Lane":
        """The lane that knows where the segment led, and its end if that was far enough."""
        walk = self.problem.walk
        assert walk is not None
        factor = self._segments[len(self.walked)].prior_factor
        point = Waypoint(factor, float(self.newest[4]), noise_floor)
        after = replace(self, walked=(*self.walked, point))
        if point.within(walk):
            return replace(after, outcome=Outcome.TARGET_REACHED)
        last = self.segment == len(self._segments)
        return replace(after, outcome=Outcome.STEP_LIMIT) if last else after

    @property
    def canvas_size(self) -> tuple[int, int]:
        """Rows and columns of the canvas that the priors see: the picture, and its margin."""
        margin = self.problem.settings.jitter_range - 1 if self.jittered else 0
        return self.problem.height + margin, self.problem.width + margin

    @property
    def delivered_offset(self) -> Offset:
        """Of the crop that would be delivered now."""
        return centre_offset(self.problem.settings.jitter_range) if self.jittered else STILL

    @property
    def _segments(self) -> tuple[Segment, ...]:
        return self.problem.settings.segments

    def moves(self, steps: int) -> list[Move]:
        """What the next steps do; at most `remaining`."""
        found: list[Move] = []
        segment, segment_step = self.segment, self.segment_step
        for step in range(self.step, self.step + steps):
            now = self._segments[segment]
            offset = self._random_offset(step) if now.jitter else STILL
            found.append(Move(now.rate, segment_step, now.jitter, offset))
            segment, segment_step = self._after(segment, segment_step + 1)
        return found

    def advance(self, curve: Curve, *, finite: bool) -> "Lane":
        """The lane after the steps whose terms are in `curve`, `(steps, 5)`, and its end if any."""
        segment, segment_step, jittered = self.segment, self.segment_step, self.jittered
        begun = self.begun
        for number in range(len(curve)):
            begun = begun if segment_step else self.step + number
            jittered = self._segments[segment].jitter
            segment, segment_step = self._after(segment, segment_step + 1)
        moved = replace(
            self,
            segment=segment,
            segment_step=segment_step,
            step=self.step + len(curve),
            jittered=jittered,
            curve=(*self.curve, curve),
            begun=begun,
        )
        descends = self.problem.settings.family.descends
        measured = moved.newest[:1] if descends else curve[:, 0]
        return _judge(moved, finite=finite and bool(np.isfinite(measured).all()))

    def report(self) -> LaneReport:
        """The lane at this boundary; at least one step must have been taken."""
        objective, data, alpha_norm, total_variation, error = map(float, self.newest)
        return LaneReport(
            step=self.step,
            steps_total=self.step + self.remaining,
            network_passes=self.passes,
            objective=objective,
            data=data,
            alpha_norm=alpha_norm,
            total_variation=total_variation,
            relative_error=error,
            outcome=self.outcome,
        )

    @property
    def newest(self) -> Curve:
        """The terms of the lane's picture as it was last measured: `(5,)`.

        Of the last step; of a method that descends, of the best one of the segment.
        """
        descends = self.problem.settings.family.descends
        rows = self.whole_curve()[self.begun :] if descends else self.curve[-1][-1:]
        best: Curve = rows[np.nan_to_num(rows[:, 0], nan=np.inf).argmin()]
        return best

    def whole_curve(self) -> Curve:
        """All terms so far, `(steps, 5)`."""
        return np.concatenate((np.empty((0, len(CURVE_COLUMNS)), np.float32), *self.curve))

    def _random_offset(self, step: int) -> Offset:
        problem = self.problem
        return random_offset(problem.settings.jitter_range, problem.seed, problem.restart, step)

    def _after(self, segment: int, segment_step: int) -> tuple[int, int]:
        """The place in the schedule, moved on where a segment is complete."""
        if segment_step < self._segments[segment].steps:
            return segment, segment_step
        return segment + 1, 0


def _judge(lane: Lane, *, finite: bool) -> Lane:
    """Whether this is the end: of the lane, or of a segment on its plateau."""
    if not finite:
        return replace(lane, outcome=Outcome.DIVERGED)
    due = lane.step % CHECK_STEPS == 0 or lane.remaining == 0
    target_error = lane.problem.stop.target_error
    if due and target_error is not None and lane.newest[4] <= target_error:
        return replace(lane, outcome=Outcome.TARGET_REACHED)
    if lane.remaining == 0:
        return lane if lane.arrived else replace(lane, outcome=Outcome.STEP_LIMIT)
    return _leave_plateau(lane) if due and _on_plateau(lane) else lane


def _leave_plateau(lane: Lane) -> Lane:
    """The lane in its next segment, or at its end."""
    last = lane.segment + 1 == len(lane.problem.settings.segments)
    if last and lane.problem.walk is None:
        return replace(lane, outcome=Outcome.CONVERGED)
    return replace(lane, segment=lane.segment + 1, segment_step=0)


def _on_plateau(lane: Lane) -> bool:
    """Whether the last window's mean objective is hardly below that of the window before."""
    plateau, window = lane.problem.stop.plateau, lane.problem.stop.plateau_window_steps
    if plateau is None or lane.segment_step < 2 * window:
        return False
    objective = lane.whole_curve()[lane.begun :, 0].astype(np.float64)
    if lane.problem.settings.family.descends:  # a canvas that was refused says nothing
        objective = np.fmin.accumulate(objective)
    recent = objective[-2 * window :]
    before, now = recent[:window].mean(), recent[window:].mean()
    return bool(before - now < plateau * abs(before))
