"""The families: an optimiser each, and how the priors are summed that go with it."""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from torch import Tensor

from preimage_worker.inversion.coordinates import in_coordinates
from preimage_worker.inversion.optimisers import quasi_newton
from preimage_worker.inversion.optimisers.steps import (
    adam,
    momentum,
    scale_by_decayed_adagrad,
    scale_by_rate,
)
from preimage_worker.inversion.optimisers.transform import Buffers, Transform, chain
from preimage_worker.inversion.settings import Coordinates, Family
from preimage_worker.inversion.traits import Traits

PLAIN_TRAITS = Traits()
"""Of a representation of which nothing is known."""
REFERENCE_ELEMENTS = 227 * 227 * 3
"""Of the pictures that the weights of 2015 were chosen for; other sizes weigh an element alike."""


class Method(NamedTuple):
    """What a family means."""

    transform: Transform
    """From gradient to update."""
    share: Callable[[int, int], float]
    """What a prior's sum is multiplied by, for a canvas of so many channels and pixels."""
    jitters: bool
    """Whether canvases have room for jitter."""
    descends: bool = False
    """Whether the best canvas so far is the lane's picture, instead of the last one."""
    leak: Callable[[Buffers], Tensor] | None = None
    """What share of the gradient silent units shall pass; None where gradients are exact."""


def _mean_over_pixels(_: int, pixels: int) -> float:
    """Priors as means over the canvas' pixels."""
    return 1 / pixels


METHODS: dict[Family, Method] = {
    # Mahendran & Vedaldi 2015, and the released invert_nn.
    Family.MOMENTUM: Method(
        chain(scale_by_rate(), momentum(0.9)),
        share=lambda channels, pixels: REFERENCE_ELEMENTS / (channels * pixels),
        jitters=False,
    ),
    # Mahendran & Vedaldi 2016, and the released nnpreimage.
    Family.ADAGRAD: Method(
        chain(scale_by_decayed_adagrad(0.9), momentum(0.9)),
        share=_mean_over_pixels,
        jitters=True,
    ),
    Family.ADAM: Method(
        adam(0.9, 0.999),
        share=_mean_over_pixels,
        jitters=True,
    ),
}


@lru_cache
def method(family: Family, coordinates: Coordinates, traits: Traits = PLAIN_TRAITS) -> Method:
    """What a family means in these coordinates; the same object for the same arguments.

    `traits`, of the representation, matter to Family.QUASI_NEWTON alone.
    """
    if family is Family.QUASI_NEWTON:
        return Method(
            quasi_newton.quasi_newton(traits),
            share=_mean_over_pixels,
            jitters=False,
            descends=True,
            leak=quasi_newton.leak if traits.leak else None,
        )
    found = METHODS[family]
    return found._replace(transform=in_coordinates(found.transform, coordinates))
