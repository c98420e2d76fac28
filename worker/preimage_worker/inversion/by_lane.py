"""Lane by lane: sums that do not show their company, and choices that copy no more than they must.

On a CPU, sums and powers take other ways through a tensor of one lane than through one of many, and
more so with several threads. The last bits of an inner product decide about steps here, so each
lane is summed by itself there. Accelerators take all lanes at once.
"""

from collections.abc import Callable

import torch
from torch import Tensor


def by_lane(function: Callable[..., Tensor], *lanes: Tensor) -> Tensor:
    """`function` of tensors with a leading lane axis, which does not mix lanes.

    On a CPU a lane's result has the same bits whoever the others are.
    """
    if lanes[0].device.type != "cpu":
        return function(*lanes)
    each = zip(*(torch.split(tensor, 1) for tensor in lanes), strict=True)
    return torch.cat([function(*one) for one in each])


def choose(lanes: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """`first` in these lanes, `second` in the others.

    On a CPU mostly one of them as it is: lanes often agree, and nothing has to be written then.
    """
    if lanes.device.type == "cpu":
        if bool(lanes.all()):
            return first
        if not bool(lanes.any()):
            return second
    return torch.where(per_lane(lanes, first), first, second)


def per_lane(numbers: Tensor, like: Tensor) -> Tensor:
    """`(lanes,)` so that it broadcasts to `like`."""
    return numbers.reshape(-1, *(1,) * (like.ndim - 1))
