"""What an optimiser is here: a pair of pure functions over lanes, after optax.

`init` makes the buffers of a batch, `update` turns a gradient into a step. Buffers are a flat tuple
of tensors with a leading lane axis, so that lanes can be taken out of them, put into them and
written to a checkpoint without knowing which optimiser they belong to. Nothing in a transform mixes
lanes: `torch.optim` cannot do this, because its step counters and its rates are the batch's.

Of a large memory a step changes little. Such buffers may be written to in place: `own` copies them
once, before a row of updates, so that the state before it stays as it was.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from torch import Tensor

Buffers = tuple[Tensor, ...]


class Seen(NamedTuple):
    """What a step has measured before it moves: for methods that judge their last step by it."""

    canvas: Tensor
    """`(lanes, channels, height, width)`."""
    objective: Tensor
    """`(lanes,)`."""
    bound: Tensor | None = None
    """How long the colour vector of a pixel may be, `(lanes, 1, 1, 1)`; None where all may be of
    any length."""
    smoothing: Tensor | None = None
    """Curvature of the quadratic total variation over the eigenvalue μ of its frequency,
    `(lanes,)`: 0 in lanes with another exponent, None where nobody asks."""


class Control(NamedTuple):
    """What steers one step, per lane; numbers are `(lanes, 1, 1, 1)`, float32."""

    rate: Tensor
    """The step size, in the family's unit."""
    keep: Tensor
    """0 where a segment of the lane's schedule begins, which zeroes its buffers; else 1."""
    age: Tensor
    """Steps that the lane has taken in its segment before this one."""
    seen: Seen | None = None
    """What was measured; None where nobody asks."""


class Transform(NamedTuple):
    """A step of the way from gradient to update."""

    slots: int
    """Number of buffers."""
    init: Callable[[Tensor], Buffers]
    """From a canvas: the buffers before the first step."""
    update: Callable[[Tensor, Buffers, Control], tuple[Tensor, Buffers]]
    """From gradient (or the previous transform's output), buffers and control: output, buffers."""
    own: Callable[[Buffers], Buffers] = tuple
    """The buffers with copies of those that `update` writes to in place."""


def chain(*transforms: Transform) -> Transform:
    """The transforms one after the other; each sees the output of the one before."""

    def init(canvas: Tensor) -> Buffers:
        return tuple(buffer for transform in transforms for buffer in transform.init(canvas))

    def update(gradient: Tensor, buffers: Buffers, control: Control) -> tuple[Tensor, Buffers]:
        after: Buffers = ()
        for transform, mine in _shared(transforms, buffers):
            gradient, mine_after = transform.update(gradient, mine, control)
            after += mine_after
        return gradient, after

    def own(buffers: Buffers) -> Buffers:
        return sum((each.own(mine) for each, mine in _shared(transforms, buffers)), start=())

    return Transform(sum(transform.slots for transform in transforms), init, update, own)


def _shared(
    transforms: tuple[Transform, ...], buffers: Buffers
) -> Iterator[tuple[Transform, Buffers]]:
    """Each transform and its own buffers."""
    for transform in transforms:
        yield transform, buffers[: transform.slots]
        buffers = buffers[transform.slots :]
