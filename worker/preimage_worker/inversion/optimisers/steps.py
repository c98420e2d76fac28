"""The transforms that the published recipes are made of.

Buffers are zeroed by a factor in the decay, not by a branch: `(decay · keep) · buffer`. Lanes whose
segment begins and lanes in the middle of one run through the same kernels.
"""

import torch
from torch import Tensor

from preimage_worker.inversion.lengths import square_lengths
from preimage_worker.inversion.optimisers.transform import Buffers, Control, Transform


def scale_by_rate() -> Transform:
    """The update −rate · g."""

    def update(gradient: Tensor, _: Buffers, control: Control) -> tuple[Tensor, Buffers]:
        return gradient * -control.rate, ()

    return Transform(0, lambda _: (), update)


def momentum(decay: float) -> Transform:
    """Heavy ball: m ← decay · m + u; the output is m."""

    def update(gradient: Tensor, buffers: Buffers, control: Control) -> tuple[Tensor, Buffers]:
        velocity = torch.addcmul(gradient, buffers[0], decay * control.keep)
        return velocity, (velocity,)

    return Transform(1, lambda canvas: (torch.zeros_like(canvas),), update)


def scale_by_decayed_adagrad(decay: float) -> Transform:
    """G ← decay · G + g², u ← −g / (1/rate + √G).

    Mahendran & Vedaldi 2016: Adagrad's sum of squares, but forgetting. 1/rate bounds the
    step where gradients vanish: there it is plain descent at `rate`.
    """

    def update(gradient: Tensor, buffers: Buffers, control: Control) -> tuple[Tensor, Buffers]:
        squares = (buffers[0] * (decay * control.keep)).addcmul_(gradient, gradient)
        denominator = squares.sqrt().add_(control.rate.reciprocal())
        return torch.div(gradient, denominator).neg_(), (squares,)

    return Transform(1, lambda canvas: (torch.zeros_like(canvas),), update)


def adam(decay: float, square_decay: float) -> Transform:
    """U ← −rate · m̂ / (√v̂ + ε): Kingma & Ba 2015, with means that forget at a segment's begin.

    ε is 1e-12 instead of their 1e-8: a gradient of means over pixels is small everywhere.
    """

    def update(gradient: Tensor, buffers: Buffers, control: Control) -> tuple[Tensor, Buffers]:
        mean = (buffers[0] * (decay * control.keep)).add_(gradient, alpha=1 - decay)
        squares = buffers[1] * (square_decay * control.keep)
        squares.addcmul_(gradient, gradient, value=1 - square_decay)
        steps = control.age + 1
        deviation = (squares / (1 - square_decay**steps)).sqrt_().add_(1e-12)
        step = mean / (1 - decay**steps) * -control.rate
        return step.div_(deviation), (mean, squares)

    return Transform(2, lambda canvas: (torch.zeros_like(canvas), torch.zeros_like(canvas)), update)


def project(canvas: Tensor, bound: Tensor) -> Tensor:
    """Each pixel's colour vector shortened to `bound`, `(lanes, 1, 1, 1)`, where it is longer.

    An infinite bound leaves every bit of the lane as it is.
    """
    length = square_lengths(canvas).sqrt_()
    return canvas * torch.div(bound, length, out=length).clamp_(max=1)
