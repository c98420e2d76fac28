"""The running batch: lanes that share every network pass and nothing else.

`LaneBatch` is a value. Every method that changes it returns a new batch and leaves the old one
valid, so a caller whose `run` failed can `select` halves of the old batch and try again: that is
how a culprit is found. Between two boundaries nothing is copied to the host.

    batch = LaneBatch.empty(representation, Family.ADAGRAD, height, width)
    batch = batch.join([problem, other])
    batch, report = batch.run(10)
    done = [i for i, lane in enumerate(report.lanes) if lane.outcome is not None]
    measurements, pictures = batch.measure(done), batch.pictures(done)
    batch = batch.leave(done)
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Self, final

import torch
from torch import Tensor

from preimage_worker.inversion import checkpoint, evaluate, state
from preimage_worker.inversion.boundary import take_steps
from preimage_worker.inversion.errors import BatchError
from preimage_worker.inversion.jitter import jitter_range, windows
from preimage_worker.inversion.lane import CURVE_COLUMNS, Curve, Lane
from preimage_worker.inversion.optimisers.families import method
from preimage_worker.inversion.outcome import Outcome
from preimage_worker.inversion.precision import Precision
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.report import BoundaryReport, LayerError, Measurement
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.representations.order import in_order
from preimage_worker.inversion.settings import IN_PIXELS, Coordinates, Family, Loss
from preimage_worker.inversion.shared_setup import Setup, default_lanes_per_pass
from preimage_worker.inversion.start import draw
from preimage_worker.inversion.state import Lanes
from preimage_worker.inversion.traits import traits_of
from preimage_worker.inversion.walk import Waypoint

__all__ = ["CURVE_COLUMNS", "LaneBatch", "Precision"]


@final
@dataclass(frozen=True, eq=False)
class LaneBatch:
    """Lanes of one representation, family, loss, coordinates, picture size and precision.

    Begin with `empty`.
    """

    setup: Setup
    """What all lanes share."""
    family: Family
    """The optimiser's, of all lanes."""
    margin: int
    """Rows and columns that canvases have beyond the picture: room for jitter."""
    coordinates: Coordinates = IN_PIXELS
    """Of the steps, of all lanes."""
    lanes: tuple[Lane, ...] = ()
    """The lanes as the host knows them, in order."""
    state: Lanes | None = None
    """The lanes as the device knows them; None without lanes."""

    @classmethod
    def empty(
        cls,
        representation: Representation,
        family: Family,
        height: int,
        width: int,
        *,
        device: torch.device | str = "cpu",
        precision: Precision = Precision.FP32,
        loss: Loss = Loss.SQUARED,
        coordinates: Coordinates = IN_PIXELS,
        lanes_per_pass: int | None = None,
    ) -> Self:
        """A batch without lanes. All but `device` and `lanes_per_pass` are the batch key.

        Args:
            representation: Φ, made for `device`.
            family: of the settings that all problems will have.
            height: of all pictures, in pixels.
            width: of all pictures, in pixels.
            device: where the lanes run.
            precision: of the passes through the representation.
            loss: of the settings that all problems will have.
            coordinates: of the settings that all problems will have.
            lanes_per_pass: how many lanes go through the representation at once; None for
                `default_lanes_per_pass`. With 1, a lane's bits do not depend on its batch.

        Raises:
            ShapeMismatchError, PictureTooSmallError: the representation takes no such pictures.
        """
        means = method(family, coordinates, traits_of(representation, height, width))
        place = torch.device(device)
        portion = default_lanes_per_pass(place) if lanes_per_pass is None else lanes_per_pass
        setup = Setup(representation, means, height, width, place, precision, portion, loss)
        margin = jitter_range(representation.stride(height, width)) - 1 if means.jitters else 0
        return cls(setup, family, margin, coordinates)

    def __len__(self) -> int:
        """Number of lanes."""
        return len(self.lanes)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The lanes' problems, in order."""
        return tuple(lane.problem for lane in self.lanes)

    @property
    def canvas_shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of one lane's canvas tensor."""
        setup, margin = self.setup, self.margin
        return setup.representation.channels, setup.height + margin, setup.width + margin

    def join(self, problems: Sequence[Problem]) -> Self:
        """The batch with new lanes behind the present ones, at step 0.

        Raises:
            ShapeMismatchError: a target does not fit the representation.
            BatchError: a problem of another family or picture size, or with more jitter than the
                layer's stride calls for.
        """
        if not problems:
            return self
        for problem in problems:
            self._check(problem)
        lanes = tuple(Lane.begin(problem) for problem in problems)
        canvas = torch.zeros(len(problems), *self.canvas_shape)
        for room, lane in zip(canvas, lanes, strict=True):
            rows, columns = lane.canvas_size
            room[:, :rows, :columns] = draw(lane.problem, (len(room), rows, columns))
        setup = self.setup
        fresh = state.new_lanes(problems, canvas, setup.method.transform, setup.device)
        return self._append(lanes, fresh)

    def snapshot(self, index: int) -> checkpoint.Snapshot:
        """All that `restore` needs of a running lane, as CPU tensors of plain dtypes.

        Raises:
            BatchError: the lane has ended.
        """
        if self.lanes[index].outcome is not None:
            raise BatchError(f"Lane {index} has ended; take its picture instead of a checkpoint.")
        return checkpoint.take(self.lanes[index], self._held(), index)

    def restore(self, problem: Problem, snapshot: checkpoint.Snapshot) -> Self:
        """The batch with one more lane, which goes on from a `snapshot` of the same problem.

        On the same device the lane goes on bit for bit as if it had never stopped.

        Raises:
            CheckpointError: the snapshot is incomplete, of another shape or of another problem.
            ShapeMismatchError, BatchError: as for `join`.
        """
        self._check(problem)
        setup = self.setup
        lane, lanes = checkpoint.revive(
            problem, snapshot, self.canvas_shape, setup.method.transform, setup.device
        )
        return self._append((lane,), lanes)

    def run(self, steps: int) -> tuple["LaneBatch", BoundaryReport]:
        """Take at most `steps` steps with every lane, then look at them once.

        It stops early where a schedule ends or a stop rule is due. An empty batch takes none.

        Raises:
            BatchError: a lane that has an outcome has not left, or `steps` is below 1.
        """
        if not self.lanes:
            return self, BoundaryReport(0, ())
        ended = [index for index, lane in enumerate(self.lanes) if lane.outcome is not None]
        if ended or steps < 1:
            raise BatchError(
                f"Lanes {ended} have ended and must leave before the next run."
                if ended
                else f"A run of {steps} steps is none; ask for at least 1."
            )
        steps = min(steps, *(lane.until_look for lane in self.lanes))
        taken = take_steps(self.setup, self.lanes, self._held(), steps)
        lanes = tuple(
            lane.advance(curve, finite=finite)
            for lane, curve, finite in zip(self.lanes, taken.curves, taken.finite, strict=True)
        )
        moved = _arrive(replace(self, lanes=lanes, state=taken.state), taken.state)
        return moved, BoundaryReport(steps, tuple(lane.report() for lane in moved.lanes))

    def select(self, indices: Sequence[int]) -> Self:
        """The batch with these lanes only, in this order."""
        if not indices:
            return replace(self, lanes=(), state=None)
        lanes = tuple(self.lanes[index] for index in indices)
        return replace(self, lanes=lanes, state=state.select(self._held(), indices))

    def leave(self, indices: Sequence[int]) -> Self:
        """The batch without these lanes; the others keep their order."""
        gone = set(indices)
        return self.select([i for i in range(len(self)) if i not in gone]) if gone else self

    def concatenate(self, other: Self) -> Self:
        """The lanes of this batch, then those of `other`: what a bisection ends with.

        Raises:
            BatchError: the batches have different keys.
        """
        if (self.setup, self.family) != (other.setup, other.family):
            raise BatchError(
                "The batches differ in representation, size, family, loss, coordinates or "
                "precision."
            )
        return self if other.state is None else self._append(other.lanes, other.state)

    def pictures(self, indices: Sequence[int]) -> Tensor:
        """What would be delivered now: `(len(indices), channels, height, width)`, canvas units.

        The centred crop; of a method that descends the best picture so far; of a diverged lane its
        last finite one; of a lane that reached its target the picture that did.
        """
        setup = self.setup
        lanes = [self.lanes[index] for index in indices]
        if not lanes:
            return torch.empty(0, setup.representation.channels, setup.height, setup.width)
        held, ended = self._held(), (Outcome.DIVERGED, Outcome.TARGET_REACHED)
        descends = setup.method.descends
        canvases = torch.stack(
            [
                (held.kept if descends or lane.outcome in ended else held.canvas)[index]
                for lane, index in zip(lanes, indices, strict=True)
            ]
        )
        offsets = [lane.delivered_offset for lane in lanes]
        return torch.stack(windows(canvases, offsets, setup.height, setup.width))

    def measure(self, indices: Sequence[int]) -> tuple[Measurement, ...]:
        """The errors of `pictures(indices)`, as floats and as 8 bits. Two forward passes a lane."""
        if not indices:
            return ()
        target = state.select(self._held(), indices).target
        pictures = self.pictures(indices)
        errors = evaluate.measure(self.setup, pictures, target)
        whole, layers = errors.whole.T.tolist(), errors.layers.permute(1, 2, 0).tolist()
        passes = [self.lanes[index].passes + evaluate.PASSES for index in indices]
        return tuple(
            Measurement(error, delivered, number, tuple(LayerError(*each) for each in own))
            for (error, delivered), number, own in zip(whole, passes, layers, strict=True)
        )

    def curve(self, index: int) -> Curve:
        """The lane's terms at every step so far, `(steps, 5)`, columns as `CURVE_COLUMNS`."""
        return self.lanes[index].whole_curve()

    def walked(self, index: int) -> tuple[Waypoint, ...]:
        """Where each strength of the priors led, of a lane that walks from strong to weak ones."""
        return self.lanes[index].walked

    def outcome(self, index: int) -> Outcome | None:
        """The lane's end, or None while it runs."""
        return self.lanes[index].outcome

    def _check(self, problem: Problem) -> None:
        """Raise unless the problem can be a lane of this batch."""
        setup, settings = self.setup, problem.settings
        size, wanted = (problem.height, problem.width), (setup.height, setup.width)
        if settings.family is not self.family or size != wanted:
            raise BatchError(
                f"A problem of family {settings.family.value!r} with pictures of {size} cannot "
                f"join a batch of family {self.family.value!r} with pictures of {wanted}."
            )
        if (settings.loss, settings.coordinates) != (setup.loss, self.coordinates):
            raise BatchError(
                f"A problem with {settings.loss} in {settings.coordinates} cannot join a batch "
                f"with {setup.loss} in {self.coordinates}."
            )
        if any(segment.jitter for segment in settings.segments):
            most = self.margin + 1
            if settings.jitter_range > most:
                raise BatchError(
                    f"The problem's jitter range is {settings.jitter_range} pixels; layer "
                    f"{setup.representation.layer!r} has room for {most}."
                )
        problem.check(setup.representation)

    def _append(self, lanes: tuple[Lane, ...], added: Lanes) -> Self:
        order = partial(in_order, self.setup.representation)
        added = added._replace(target=added.target.like_codes(order))
        joint = added if self.state is None else state.concatenate(self.state, added)
        return replace(self, lanes=self.lanes + lanes, state=joint)

    def _held(self) -> Lanes:
        """The state of a batch that has lanes."""
        if self.state is None:
            raise BatchError("The batch has no lanes.")
        return self.state


def _arrive(batch: LaneBatch, held: Lanes) -> LaneBatch:
    """The batch whose lanes know where the segments of their walks have led."""
    there = [index for index, lane in enumerate(batch.lanes) if lane.arrived]
    if not there:
        return batch
    target = state.select(held, there).target
    floors = evaluate.noise_floors(batch.setup, batch.pictures(there), target).tolist()
    lanes = list(batch.lanes)
    for index, floor in zip(there, floors, strict=True):
        lanes[index] = lanes[index].arrive(floor)
    return replace(batch, lanes=tuple(lanes))
