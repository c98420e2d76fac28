"""Networks of an operator that end their process, stop being finite, or want too much memory.

Each looks at the canvas by a function of its own, which the tracer keeps as one node: only a job
whose target is bright gets there, after some steps in the company of others.
"""

import os
import signal

import torch
from torch import Tensor, fx, nn

_BRIGHT = 0.5
"""Mean of a canvas, between -1 (black) and 1 (white), that no dark picture leads to."""


class _Pooled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(2)


class Deadly(_Pooled):
    """Ends the process once a canvas has become bright."""

    def forward(self, pictures: Tensor) -> Tensor:
        codes: Tensor = self.pool(_die_of_light(pictures))
        return codes


class Blind(_Pooled):
    """Gives no finite code for a canvas that has become bright."""

    def forward(self, pictures: Tensor) -> Tensor:
        codes: Tensor = self.pool(_be_blinded_by_light(pictures))
        return codes


class Hungry(_Pooled):
    """Has no memory for a canvas that has become bright, nor for any other beside it."""

    def forward(self, pictures: Tensor) -> Tensor:
        codes: Tensor = self.pool(_take_memory(pictures))
        return codes


@fx.wrap
def _die_of_light(pictures: Tensor) -> Tensor:
    if not pictures.is_meta and _bright(pictures).any():
        os.kill(os.getpid(), signal.SIGKILL)
    return pictures


@fx.wrap
def _be_blinded_by_light(pictures: Tensor) -> Tensor:
    return torch.where(_bright(pictures)[:, None, None, None], torch.inf, pictures)


@fx.wrap
def _take_memory(pictures: Tensor) -> Tensor:
    if not pictures.is_meta and _bright(pictures).any():
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate much")
    return pictures


def _bright(pictures: Tensor) -> Tensor:
    """Whether each canvas is."""
    return pictures.detach().mean((1, 2, 3)) > _BRIGHT


def deadly() -> nn.Module:
    """A network with a bug in a kernel, as it were."""
    return Deadly()


def blind() -> nn.Module:
    """A network that overflows."""
    return Blind()


def hungry() -> nn.Module:
    """A network that is too large for its device."""
    return Hungry()
