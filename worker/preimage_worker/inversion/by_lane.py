"""Lane by lane: sums that do not show their company, and choices that copy no more than they must.

On a CPU, sums and powers take other ways through a tensor of one lane than through one of many, and
more so with several threads. The last bits of an inner product decide about steps here, so each
lane is summed by itself there. Accelerators take all lanes at once.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def by_lane(function: Callable[..., Tensor], *lanes: Tensor) -> Tensor:
    """`function` of tensors with a leading lane axis, which does not mix lanes.

    On a CPU a lane's result has the same bits whoever the others are.
    """
    return all_by_lane(lambda *some: (function(*some),), *lanes)[0]


def all_by_lane(function: Callable[..., tuple[Tensor, ...]], *lanes: Tensor) -> tuple[Tensor, ...]:
    """The same of a function with several results."""
    if len(lanes[0]) == 1 or lanes[0].device.type != "cpu":
        return function(*lanes)
    each = zip(*(torch.split(tensor, 1) for tensor in lanes), strict=True)
    results = [function(*one) for one in each]
    return tuple(joined(result) for result in zip(*results, strict=True))


def joined(lanes: Sequence[Tensor]) -> Tensor:
    """Tensors with a leading lane axis as one; a single one as it is."""
    return lanes[0] if len(lanes) == 1 else torch.cat(tuple(lanes))


def choose(lanes: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """`first` in these lanes, `second` in the others.

    On a CPU mostly one of them as it is: lanes often agree, and nothing has to be written then.
    """
    if every(lanes):
        return first
    if not some(lanes):
        return second
    return torch.where(per_lane(lanes, first), first, second)


def every(lanes: Tensor) -> bool:
    """Whether it is known to be true of all lanes.

    On an accelerator it never is: that would have to be waited for.
    """
    return lanes.device.type == "cpu" and bool(lanes.all())


def some(lanes: Tensor) -> bool:
    """Whether it may be true of any lane: on an accelerator always."""
    return lanes.device.type != "cpu" or bool(lanes.any())


def per_lane(numbers: Tensor, like: Tensor) -> Tensor:
    """`(lanes,)` so that it broadcasts to `like`."""
    return numbers.reshape(-1, *(1,) * (like.ndim - 1))
