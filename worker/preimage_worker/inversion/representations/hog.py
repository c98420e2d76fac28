"""HOG and HOGb, equal to VLFeat's `vl_hog`: UoCTTI variant, 9 orientations, cells of 8 pixels.

Felzenszwalb, Girshick, McAllester & Ramanan 2010, as a differentiable function of a grey picture;
the idea to invert it as a network layer is Mahendran & Vedaldi's (2015, section 4). Each pixel's
gradient votes for the nearest of 18 directions (HOG), or for the two nearest in proportion to the
angle (HOGb); votes are spread bilinearly over cells, and a cell's histogram is normalised by each
of the four blocks of 2 × 2 cells around it. The 4 texture channels of `vl_hog` are left out.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import final

import torch
from torch import Tensor
from torch.nn.functional import pad

from preimage_worker.inversion.errors import PictureTooSmallError
from preimage_worker.inversion.representations.directions import vote

CELL = 8
ORIENTATIONS = 9
DIRECTIONS = 2 * ORIENTATIONS
CHANNELS = DIRECTIONS + ORIENTATIONS
SMALLEST_SIDE = 2 * CELL

_CLAMP = 0.2
_LEAK = 0.3
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

    @property
    def smallest_side(self) -> int:
        """Two cells."""
        return SMALLEST_SIDE

    @property
    def grid_offset(self) -> int:
        """Half a cell: a cell counts when at least half of it lies in the picture."""
        return CELL // 2

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

    @property
    def rectifiers(self) -> int:
        """None."""
        return 0

    @property
    def leak(self) -> float:
        """Of HOG, whose votes jump from one direction to the next: nothing turns a gradient."""
        return 0.0 if self.bilinear else _LEAK

    def __call__(self, canvas: Tensor) -> Tensor:
        """`(lanes, 27, cells, cells)`: 18 signed directions, then 9 unsigned orientations."""
        with torch.autocast(canvas.device.type, enabled=False):
            across, down = _gradients(canvas[:, 0])
            votes = vote(across, down, ORIENTATIONS, bilinear=self.bilinear)
            return _normalise(_spread(votes, *canvas.shape[-2:]))

    def relaxed(self, canvas: Tensor, leak: Tensor) -> Tensor:
        """The same codes; the leak's share of the gradient is that of votes which HOGb would give.

        Args:
            canvas: as for a call.
            leak: `(lanes,)`, from 0 to 1.
        """
        with torch.autocast(canvas.device.type, enabled=False):
            across, down = _gradients(canvas[:, 0])
            votes = vote(across, down, ORIENTATIONS, bilinear=self.bilinear)
            split = vote(across, down, ORIENTATIONS, bilinear=True)
            # Zero: it moves the leak's share of the gradient from one to the other.
            moved = (split - split.detach()) - (votes - votes.detach())
            votes = votes + leak[:, None, None, None] * moved
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


def _spread(votes: Tensor, height: int, width: int) -> Tensor:
    """Votes into cells, bilinearly: a product with a band matrix from each side."""
    down = _cell_weights(height, votes.dtype, votes.device)
    across = _cell_weights(width, votes.dtype, votes.device)
    return (down @ votes) @ across.mT


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
