"""The running batch: lanes that share every network pass and nothing else.

`LaneBatch` is a value. Every method that changes it returns a new batch and leaves the old one
valid, so a caller whose `run` failed can `select` halves of the old batch and try again: that is how
a culprit is found. Between two boundaries nothing is copied to the host.

    batch = LaneBatch.empty(representation, Family.ADAGRAD, height, width)
    batch = batch.join([problem, other])
    batch, report = batch.run(10)
    done = [i for i, lane in enumerate(report.lanes) if lane.outcome is not None]
    measurements, pictures = batch.measure(done), batch.pictures(done)
    batch = batch.leave(done)
"""

from collections.abc import Sequence
from enum import Enum
from typing import Self, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from preimage_worker.inversion.outcome import Outcome
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.report import BoundaryReport, Measurement
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.settings import Family

CURVE_COLUMNS = ("objective", "data", "alpha_norm", "total_variation", "relative_error")


class Precision(Enum):
    """Of the pass through the representation; state, priors and updates are always float32."""

    FP32 = "fp32"
    TF32 = "tf32"
    BF16 = "bf16"


@final
class LaneBatch:
    """Lanes of one representation, picture size, family and precision."""

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
    ) -> Self:
        """A batch without lanes. Its five arguments (the device apart) are the batch key."""
        raise NotImplementedError

    def __len__(self) -> int:
        """Number of lanes."""
        raise NotImplementedError

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The lanes' problems, in order."""
        raise NotImplementedError

    def join(self, problems: Sequence[Problem]) -> Self:
        """The batch with new lanes behind the present ones, at step 0.

        Raises:
            ShapeMismatchError: a target does not fit the representation.
            BatchError: a problem of another family or picture size.
        """
        raise NotImplementedError

    def restore(self, problem: Problem, snapshot: dict[str, Tensor]) -> Self:
        """The batch with one more lane, which goes on from a `snapshot` of the same problem.

        On the same device the lane goes on bit for bit as if it had never stopped.

        Raises:
            CheckpointError: the snapshot lacks a tensor or has one of another shape.
        """
        raise NotImplementedError

    def snapshot(self, index: int) -> dict[str, Tensor]:
        """All that `restore` needs, as CPU tensors of plain dtypes."""
        raise NotImplementedError

    def run(self, steps: int) -> tuple[Self, BoundaryReport]:
        """Take at most `steps` steps with every lane, then look at them once.

        It stops early where the shortest remaining schedule ends. An empty batch takes none.

        Raises:
            BatchError: a lane that already has an outcome has not left.
        """
        raise NotImplementedError

    def select(self, indices: Sequence[int]) -> Self:
        """The batch with these lanes only, in this order."""
        raise NotImplementedError

    def leave(self, indices: Sequence[int]) -> Self:
        """The batch without these lanes; the others keep their order."""
        raise NotImplementedError

    def concatenate(self, other: Self) -> Self:
        """The lanes of this batch, then those of `other` (same batch key): the undoing of a bisection."""
        raise NotImplementedError

    def pictures(self, indices: Sequence[int]) -> Tensor:
        """What would be delivered now: `(len(indices), channels, height, width)`, canvas units.

        The centred crop; of a diverged lane its last finite picture; of a lane that reached its
        target the picture that did.
        """
        raise NotImplementedError

    def measure(self, indices: Sequence[int]) -> tuple[Measurement, ...]:
        """The errors of `pictures(indices)`, as floats and as 8 bits. Two forward passes a lane."""
        raise NotImplementedError

    def curve(self, index: int) -> npt.NDArray[np.float32]:
        """The lane's terms at every step so far, `(steps, 5)`, columns as `CURVE_COLUMNS`."""
        raise NotImplementedError

    def outcome(self, index: int) -> Outcome | None:
        """The lane's end, or None while it runs."""
        raise NotImplementedError
