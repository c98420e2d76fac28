"""A running lane as plain tensors, and back.

Everything that the next step depends on is in it, so that on the same device a restored lane goes
on bit for bit. Randomness needs no state (see `counter`). Target and settings come with the
problem, whose fingerprint is in the checkpoint, so that it cannot be taken for another's.
"""

from dataclasses import astuple

import torch
from torch import Tensor

from preimage_worker.inversion.errors import CheckpointError
from preimage_worker.inversion.lane import CURVE_COLUMNS, Lane
from preimage_worker.inversion.optimisers.transform import Transform
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.state import Lanes, new_lanes
from preimage_worker.inversion.walk import Waypoint

Snapshot = dict[str, Tensor]

_PLACE, _WAYPOINT = 5, 3


def take(lane: Lane, lanes: Lanes, index: int) -> Snapshot:
    """The lane at `index`, as CPU tensors that share nothing with the running state."""
    place = (lane.segment, lane.segment_step, lane.step, lane.jittered, lane.problem.fingerprint)
    snapshot = {
        "place": torch.tensor(place, dtype=torch.int64),
        "curve": torch.from_numpy(lane.whole_curve()),
        "walked": torch.tensor(
            [astuple(point) for point in lane.walked], dtype=torch.float64
        ).reshape(-1, _WAYPOINT),
        "canvas": lanes.canvas[index],
        "kept": lanes.kept[index],
        "best": lanes.best[index],
    }
    snapshot |= {f"buffer{i}": buffer[index] for i, buffer in enumerate(lanes.buffers)}
    return {name: tensor.to("cpu", copy=True) for name, tensor in snapshot.items()}


def revive(
    problem: Problem,
    snapshot: Snapshot,
    canvas_shape: tuple[int, int, int],
    transform: Transform,
    device: torch.device,
) -> tuple[Lane, Lanes]:
    """The lane and its state, a batch of one.

    Raises:
        CheckpointError: a tensor is missing or has another shape or type, or the checkpoint is of
            another problem.
    """
    for name in ("canvas", "kept"):
        _check(snapshot, name, torch.float32, canvas_shape)
    _check(snapshot, "best", torch.float32, ())
    fresh = transform.init(torch.zeros(1, *canvas_shape, device="meta"))
    shapes = {f"buffer{i}": tuple(buffer.shape[1:]) for i, buffer in enumerate(fresh)}
    for name, shape in shapes.items():
        _check(snapshot, name, torch.float32, shape)
    _check(snapshot, "place", torch.int64, (_PLACE,))
    _check(snapshot, "curve", torch.float32, (-1, len(CURVE_COLUMNS)))
    _check(snapshot, "walked", torch.float64, (-1, _WAYPOINT))
    segment, segment_step, step, jittered, fingerprint = map(int, snapshot["place"])
    if fingerprint != problem.fingerprint:
        raise CheckpointError(
            "The checkpoint is of another problem: target, mask, settings or seed differ; "
            "start the problem afresh."
        )
    curve = (snapshot["curve"].clone().numpy(),)
    walked = tuple(Waypoint(*point) for point in snapshot["walked"].tolist())
    lane = Lane(
        problem,
        segment,
        segment_step,
        step,
        bool(jittered),
        curve,
        begun=step - segment_step,
        walked=walked,
    )
    lanes = new_lanes([problem], snapshot["canvas"][None].clone(), transform, device)
    return lane, lanes._replace(
        kept=snapshot["kept"][None].to(device, copy=True),
        best=snapshot["best"][None].to(device, copy=True),
        buffers=tuple(snapshot[name][None].to(device, copy=True) for name in shapes),
    )


def _check(snapshot: Snapshot, name: str, dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    if name not in snapshot:
        raise CheckpointError(f"The checkpoint lacks {name!r}; start the problem afresh.")
    tensor = snapshot[name]
    fits = tensor.ndim == len(shape) and all(
        wanted in {-1, actual} for wanted, actual in zip(shape, tensor.shape, strict=True)
    )
    if not fits or tensor.dtype != dtype:
        raise CheckpointError(
            f"The checkpoint's {name!r} is {tensor.dtype} of shape {tuple(tensor.shape)}, not "
            f"{dtype} of {shape}; start the problem afresh."
        )
