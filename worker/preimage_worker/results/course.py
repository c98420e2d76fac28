"""How an optimisation went: the terms at every step, and what an activation rose from and to."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from preimage.v1 import preimage_pb2 as wire
from preimage_worker.inversion.lanes import CURVE_COLUMNS
from preimage_worker.inversion.walk import Walk, Waypoint
from preimage_worker.jobs import LaneResult

_POINTS = 500
"""Most steps that a curve tells of."""


def loss_curve(curve: NDArray[np.float32], *, raises: bool) -> wire.LossCurve:
    """The curve `(steps, terms)`, thinned out.

    Args:
        curve: columns as `CURVE_COLUMNS`.
        raises: whether the last column is of an activation instead of a relative error.
    """
    stride = -(-len(curve) // _POINTS) or 1
    names = [*CURVE_COLUMNS[:-1], "activation" if raises else CURVE_COLUMNS[-1]]
    columns = {name: curve[::stride, i].tolist() for i, name in enumerate(names)}
    return wire.LossCurve(steps=range(0, len(curve), stride), **columns)


def activation(lane: LaneResult, scale: float) -> wire.Activation:
    """What a maximisation or a caricature reached; `scale` is what 1 stands for.

    The start is the starting picture as the first step saw it.
    """
    return wire.Activation(
        start=float(lane.curve[0, -1]),
        optimised=lane.measurement.relative_error,
        delivered=lane.measurement.relative_error_delivered,
        scale=scale,
    )


def strength_curve(walked: Sequence[Waypoint], walk: Walk) -> wire.StrengthCurve:
    """Where the strengths that were tried led; the last one is the one that was taken."""
    last = walked[-1]
    return wire.StrengthCurve(
        noise_floor=last.noise_floor,
        allowed_error=last.allowed(walk),
        factors=[point.factor for point in walked],
        relative_errors=[point.relative_error for point in walked],
        chosen=len(walked) - 1,
        within=last.within(walk),
    )
