"""Coordinates that steps are taken in: linear maps x = A z, wrapped around an optimiser.

A step in z equals the update A u(Aᵀ g) in x, where u is the optimiser's answer to a gradient: its
buffers live in z, while canvas, priors and bound stay in pixels. A changes the way of a first-order
recipe, not its objective.

    A = basis⁻¹ · s · C

with an orthonormal basis of the plane, s = 1 / max(f, 1 / max(H, W)) for the frequency f in cycles
a pixel (Olah et al. 2017, "Feature Visualization": natural pictures have spectra like that), and C
from uncorrelated colours to RGB. s and C are scaled to a mean square of 1, so that a step of noise
is as long in x as in z, and the rates of the presets mean the same in all coordinates.
"""

import math
from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from preimage_worker.inversion.cosine import dct2, idct2
from preimage_worker.inversion.optimisers.transform import Buffers, Control, Transform
from preimage_worker.inversion.settings import IN_PIXELS, Basis, Coordinates

# Standard deviations and directions of the principal components of the pixels within a picture,
# mean over 24 photographs of the Berkeley segmentation data set. ImageNet's have 90, 8 and 2 % of
# the variance (Krizhevsky et al. 2012), these 89, 9 and 2.
_COLOUR_VARIANCES = (0.893, 0.088, 0.019)
_COLOUR_DIRECTIONS = (
    (0.6067, -0.6758, 0.4186),
    (0.5955, 0.0375, -0.8025),
    (0.5266, 0.7361, 0.4252),
)
COLOURS = 3

Map = Callable[[Tensor], Tensor]


def in_coordinates(transform: Transform, coordinates: Coordinates) -> Transform:
    """The transform with its gradients and buffers in z and its updates in x."""
    if coordinates == IN_PIXELS:
        return transform

    def update(gradient: Tensor, buffers: Buffers, control: Control) -> tuple[Tensor, Buffers]:
        step, buffers = transform.update(to_steps(gradient, coordinates), buffers, control)
        return to_pixels(step, coordinates), buffers

    return transform._replace(update=update)


def to_pixels(steps: Tensor, coordinates: Coordinates) -> Tensor:
    """A z, of z `(lanes, channels, height, width)`; channels are 3 where colours are mixed."""
    if coordinates.decorrelated:
        steps = _mix(_colours(steps.device), steps)
    if coordinates.basis is Basis.PIXELS:
        return steps
    inverse = idct2 if coordinates.basis is Basis.DCT else hartley2
    return inverse(steps * _spectrum(coordinates.basis, *steps.shape[-2:], steps.device))


def to_steps(gradient: Tensor, coordinates: Coordinates) -> Tensor:
    """Aᵀ g, of g `(lanes, channels, height, width)`."""
    if coordinates.basis is not Basis.PIXELS:
        forward = dct2 if coordinates.basis is Basis.DCT else hartley2
        spectrum = _spectrum(coordinates.basis, *gradient.shape[-2:], gradient.device)
        gradient = forward(gradient) * spectrum
    return _mix(_colours(gradient.device).T, gradient) if coordinates.decorrelated else gradient


def hartley2(canvas: Tensor) -> Tensor:
    """Fourier coefficients in their real form, Re F − Im F; orthonormal and its own inverse.

    F(k) and F(−k) of a real picture are conjugates, so that one number for each k holds them both
    (Hartley 1942): coefficients have the canvas' shape, like every buffer.
    """
    spectrum: Tensor = torch.fft.fft2(canvas, norm="ortho")
    return spectrum.real - spectrum.imag


@lru_cache(maxsize=64)
def _spectrum(basis: Basis, height: int, width: int, device: torch.device) -> Tensor:
    """s, `(height, width)`, of mean square 1."""
    down, across = _cycles(basis, height), _cycles(basis, width)
    frequency = torch.hypot(down[:, None], across[None, :])
    scale = 1 / frequency.clamp(min=1 / max(height, width))
    return (scale / scale.square().mean().sqrt()).to(device=device, dtype=torch.float32)


def _cycles(basis: Basis, size: int) -> Tensor:
    """Of each coefficient along one side, cycles a pixel."""
    if basis is Basis.DCT:
        return torch.arange(size, dtype=torch.float64) / (2 * size)
    cycles: Tensor = torch.fft.fftfreq(size, dtype=torch.float64)
    return cycles


@lru_cache(maxsize=8)
def principal_colours(device: torch.device) -> tuple[Tensor, Tensor]:
    """The principal colours of natural pictures, and their shares of the variance.

    Returns:
        `(3, 3)`, orthonormal columns, and `(3,)`, in the same order.
    """
    directions = torch.tensor(_COLOUR_DIRECTIONS, dtype=torch.float64)
    basis, signs = torch.linalg.qr(directions)  # the figures above are rounded
    basis *= signs.diagonal().sign()
    shares = torch.tensor(_COLOUR_VARIANCES, dtype=torch.float64)
    return basis.to(device, torch.float32), shares.to(device, torch.float32)


@lru_cache(maxsize=8)
def _colours(device: torch.device) -> Tensor:
    """C, `(3, 3)`: columns are the components, as long as their standard deviations."""
    directions = torch.tensor(_COLOUR_DIRECTIONS, dtype=torch.float64)
    mixing = directions * torch.tensor(_COLOUR_VARIANCES, dtype=torch.float64).sqrt()
    mixing *= math.sqrt(COLOURS) / mixing.norm()
    return mixing.to(device=device, dtype=torch.float32)


def _mix(matrix: Tensor, canvas: Tensor) -> Tensor:
    return torch.einsum("ij,ljhw->lihw", matrix, canvas)
