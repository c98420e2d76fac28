"""Running a batch without letting one lane spoil it.

`advance` runs a batch for some steps. If that fails, the halves are tried again from the same
boundary (a `LaneBatch` is a value, so the old one still holds), down to the lanes that fail alone.
Running out of memory is not a lane's fault while others share the batch: it is reported, and the
caller makes the batch smaller.
"""

from dataclasses import dataclass, field
from typing import final

import torch

from preimage_worker.inversion.lanes import LaneBatch
from preimage_worker.inversion.report import LaneReport


@final
@dataclass(frozen=True, eq=False)
class Advance:
    """A batch after some steps: the lanes that made it, and those that did not."""

    batch: LaneBatch
    reports: tuple[LaneReport, ...]
    kept: tuple[int, ...]
    """Indices, in the batch before, of the lanes in `batch`."""
    failures: dict[int, Exception] = field(default_factory=dict)
    """What the others raised, by their index in the batch before."""
    steps: int = 0
    """Steps that were taken."""


class OutOfRoomError(Exception):
    """The device has not enough memory for so many lanes."""


class DeviceLostError(Exception):
    """The device is in a state that only a new process leaves. No job is to blame."""


def raise_if_device_lost(error: Exception) -> None:
    """Raises DeviceLostError for errors after which every further kernel fails too."""
    lost = getattr(torch, "AcceleratorError", None)
    if (lost and isinstance(error, lost)) or "CUDA error" in str(error):
        raise DeviceLostError(str(error).splitlines()[0]) from error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch ran out of memory: on a GPU it has a class, on the CPU only a sentence."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )


def advance(batch: LaneBatch, steps: int) -> Advance:
    """Runs every lane for at most `steps` steps.

    Raises:
        OutOfRoomError: memory ran out and more than one lane was there.
        DeviceLostError: the device needs a new process.
    """
    try:
        after, report = batch.run(steps)
    except Exception as error:  # noqa: BLE001 - whatever a lane raises ends that lane only
        return _without_culprits(batch, steps, error)
    return Advance(after, report.lanes, tuple(range(len(after))), steps=report.steps)


def _without_culprits(batch: LaneBatch, steps: int, error: Exception) -> Advance:
    raise_if_device_lost(error)
    lanes = len(batch)
    if lanes == 1:
        return Advance(batch.select([]), (), (), {0: error})
    if is_out_of_memory(error):
        raise OutOfRoomError(str(error)) from error
    middle = lanes // 2
    left = advance(batch.select(range(middle)), steps)
    right = advance(batch.select(range(middle, lanes)), steps)
    return Advance(
        left.batch.concatenate(right.batch),
        left.reports + right.reports,
        left.kept + tuple(middle + index for index in right.kept),
        left.failures | {middle + index: each for index, each in right.failures.items()},
        max(left.steps, right.steps),
    )
