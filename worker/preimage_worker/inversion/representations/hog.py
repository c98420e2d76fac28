"""HOG and HOGb, equal to VLFeat's `vl_hog`: UoCTTI variant, 9 orientations, cells of 8 pixels.

Felzenszwalb, Girshick, McAllester & Ramanan 2010, as a differentiable function of a grey picture;
the idea to invert it as a network layer is Mahendran & Vedaldi's (2015, section 4). Each pixel's
gradient votes for the nearest of 18 directions (HOG), or for the two nearest in proportion to the
angle (HOGb); votes are spread bilinearly over cells, and a cell's histogram is normalised by each
of the four blocks of 2 × 2 cells around it. The 4 texture channels of `vl_hog` are left out.

Which direction wins is a constant in the backward pass. Square roots and angles are taken where the
gradient is not zero, so a flat picture has the gradient 0 and never NaN.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import final

import torch
from torch import Tensor
from torch.nn.functional import pad

from preimage_worker.inversion.errors import PictureTooSmallError

CELL = 8
ORIENTATIONS = 9
DIRECTIONS = 2 * ORIENTATIONS
CHANNELS = DIRECTIONS + ORIENTATIONS
SMALLEST_SIDE = 2 * CELL

_CLAMP = 0.2
_BLOCK_FLOOR = 1e-4  # as in the UoCTTI code


@final
@dataclass(frozen=True)
class Hog:
    """HOG, or HOGb with `bilinear`; canvases have one grey channel with mean 128."""

    bilinear: bool = False
    """Split each vote between the two nearest directions, linearly in the angle."""

    @property
    def model(self) -> str:
        """The name that presets know it by."""
        return "hogb" if self.bilinear else "hog"

    @property
    def layer(self) -> str:
        """It has one layer, called like the model."""
        return self.model

    @property
    def channels(self) -> int:
        """One grey channel."""
        return 1

    @property
    def mean(self) -> tuple[float, ...]:
        """Half the range, as in the released code of 2015."""
        return (128.0,)

    def stride(self, height: int, width: int) -> float:  # noqa: ARG002 - the same for all sizes
        """A cell."""
        return float(CELL)

    def code_shape(self, height: int, width: int) -> tuple[int, ...]:
        """27 channels; a cell counts when at least half of it lies in the picture, as in `vl_hog`.

        Raises:
            PictureTooSmallError: a side is shorter than two cells.
        """
        if min(height, width) < SMALLEST_SIDE:
            raise PictureTooSmallError(
                f"A picture of {height}×{width} pixels is too small for {self.model}; "
                f"use one with sides of at least {SMALLEST_SIDE} pixels."
            )
        return CHANNELS, _cells(height), _cells(width)

    def __call__(self, canvas: Tensor) -> Tensor:
        """`(lanes, 27, cells, cells)`: 18 signed directions, then 9 unsigned orientations."""
        with torch.autocast(canvas.device.type, enabled=False):
            across, down = _gradients(canvas[:, 0])
            votes = _votes(across, down, bilinear=self.bilinear)
            return _normalise(_spread(votes, *canvas.shape[-2:]))


def hog() -> Hog:
    """HOG: every pixel votes for one direction."""
    return Hog()


def hogb() -> Hog:
    """HOGb: every pixel splits its vote between two directions."""
    return Hog(bilinear=True)


def _cells(side: int) -> int:
    return (side + CELL // 2) // CELL


def _gradients(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Central differences, not halved, of all pixels but the outermost ring."""
    across = picture[:, 1:-1, 2:] - picture[:, 1:-1, :-2]
    down = picture[:, 2:, 1:-1] - picture[:, :-2, 1:-1]
    return across, down


def _votes(across: Tensor, down: Tensor, *, bilinear: bool) -> Tensor:
    """Gradient magnitude by direction: `(lanes, 18, height − 2, width − 2)`."""
    squares = across.square() + down.square()
    flat = squares == 0
    magnitude = torch.where(flat, 1, squares).sqrt().masked_fill(flat, 0)
    winner = _winner(across.detach(), down.detach())
    histogram = magnitude.new_zeros(magnitude.shape[0], DIRECTIONS, *magnitude.shape[1:])
    if not bilinear:
        return histogram.scatter(1, winner[:, None], magnitude[:, None])
    fraction, neighbour = _fraction(torch.where(flat, 1, across), down, winner)
    bins = torch.stack((winner, neighbour), dim=1)
    shares = torch.stack((magnitude * (1 - fraction), magnitude * fraction), dim=1)
    return histogram.scatter(1, bins, shares)


def _winner(across: Tensor, down: Tensor) -> Tensor:
    """The nearest of 18 directions, by the scores that `vl_hog` compares, so that ties agree."""
    cosines, sines = (table[:ORIENTATIONS, None, None] for table in _directions(across))
    scores = across[:, None] * cosines + down[:, None] * sines
    orientation = scores.abs().argmax(dim=1)
    opposite = scores.gather(1, orientation[:, None])[:, 0] < 0
    return orientation + ORIENTATIONS * opposite


def _fraction(across: Tensor, down: Tensor, winner: Tensor) -> tuple[Tensor, Tensor]:
    """How far the gradient has turned from the winner to its neighbour, from 0 to 1/2; and that."""
    cosines, sines = (table[winner] for table in _directions(across))
    along = across * cosines + down * sines
    aside = down * cosines - across * sines
    fraction = torch.atan2(aside.abs(), along) * (ORIENTATIONS / math.pi)
    neighbour = (winner + torch.where(aside < 0, -1, 1)) % DIRECTIONS
    return fraction, neighbour


def _directions(like: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the 18 directions."""
    angles = torch.arange(DIRECTIONS, device=like.device, dtype=torch.float64)
    angles *= math.pi / ORIENTATIONS
    return angles.cos().to(like.dtype), angles.sin().to(like.dtype)


def _spread(votes: Tensor, height: int, width: int) -> Tensor:
    """Votes into cells, bilinearly: a product with a band matrix from each side."""
    down = _cell_weights(height, votes.dtype, votes.device)
    across = _cell_weights(width, votes.dtype, votes.device)
    return down @ (votes @ across.mT)


@lru_cache(maxsize=64)
def _cell_weights(side: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """`(cells, side − 2)`: 1 − |distance to the cell's centre| / cell; end pixels have no vote."""
    pixels = torch.arange(1, side - 1, dtype=torch.float64) + 0.5
    centres = (torch.arange(_cells(side), dtype=torch.float64) + 0.5) * CELL
    distances = (pixels - centres[:, None]).abs() / CELL
    return (1 - distances).clamp(min=0).to(device, dtype)


def _normalise(signed: Tensor) -> Tensor:
    """18 + 9 channels, each cell divided by the norms of its four blocks, clamped and summed."""
    unsigned = signed[:, :ORIENTATIONS] + signed[:, ORIENTATIONS:]
    energy = unsigned.square().sum(dim=1, keepdim=True)
    padded = pad(energy, (1, 1, 1, 1), mode="replicate")
    rows = padded[..., 1:, :] + padded[..., :-1, :]
    scales = (rows[..., 1:] + rows[..., :-1] + _BLOCK_FLOOR).rsqrt()
    histogram = torch.cat((signed, unsigned), dim=1)
    height, width = signed.shape[-2:]
    corners = (
        scales[..., row : row + height, column : column + width]
        for row in (0, 1)
        for column in (0, 1)
    )
    blocks = [(histogram * scale).clamp(max=_CLAMP) for scale in corners]
    return 0.5 * (blocks[0] + blocks[1] + blocks[2] + blocks[3])
