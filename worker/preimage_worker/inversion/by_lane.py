"""Functions of lanes whose bits depend on the shape of what they are given, kept from showing it.

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
