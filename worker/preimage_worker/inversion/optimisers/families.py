"""The families: an optimiser each, and the conventions of the objective that go with it."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from preimage_worker.inversion.optimisers.steps import (
    momentum,
    project,
    scale_by_decayed_adagrad,
    scale_by_rate,
)
from preimage_worker.inversion.optimisers.transform import Transform, chain
from preimage_worker.inversion.settings import Family

REFERENCE_ELEMENTS = 227 * 227 * 3
"""Of the pictures that the weights of 2015 were chosen for; other sizes weigh an element alike."""


class Method(NamedTuple):
    """What a family means."""

    transform: Transform
    """From gradient to update."""
    retract: Callable[[Tensor, Tensor], Tensor] | None
    """Brings canvas + update back to where canvases may be, given the lanes' bounds."""
    isotropic: bool
    """Whether the α-norm takes a pixel's colour vector or each channel by itself."""
    share: Callable[[int, int], float]
    """What a prior's sum is multiplied by, for a canvas of so many channels and pixels."""
    jitters: bool
    """Whether canvases have room for jitter."""


METHODS: dict[Family, Method] = {
    # Mahendran & Vedaldi 2015, and the released invert_nn: no projection.
    Family.MOMENTUM: Method(
        chain(scale_by_rate(), momentum(0.9)),
        retract=None,
        isotropic=False,
        share=lambda channels, pixels: REFERENCE_ELEMENTS / (channels * pixels),
        jitters=False,
    ),
    # Mahendran & Vedaldi 2016, and the released nnpreimage.
    Family.ADAGRAD: Method(
        chain(scale_by_decayed_adagrad(0.9), momentum(0.9)),
        retract=project,
        isotropic=True,
        share=lambda _, pixels: 1 / pixels,
        jitters=True,
    ),
}
