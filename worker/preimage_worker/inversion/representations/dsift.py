"""Dense SIFT, close to VLFeat's `vl_dsift` with the flat window: 8 directions, 4 × 4 cells.

Lowe's descriptor (2004) on a grid, as a differentiable function of a grey picture; the idea to
invert it as a network layer is Mahendran & Vedaldi's (2015, section 4: cells of 5 pixels; 2016: of
8). Each pixel's gradient votes for the two nearest of 8 directions; votes are spread bilinearly
over cells; 4 × 4 cells, weighted by a Gaussian window, are a descriptor, scaled to length 1 and
clamped at 0.2. Neighbouring descriptors are 3 cells apart, so they share a row of cells.

It is `vl_dsift` at step 3 · cell, within bounds that keep every cell whole, but for

- the window: the standard deviation is the papers' 1.5 cells (`vl_dsift`'s option WindowSize; it
  has 2 unless told otherwise). Like the flat window, each cell is weighted by the Gaussian's mean
  over it, where the papers take the Gaussian at its centre: a cosine of 0.9995 between the two;
- the end: as in the papers, descriptors are not scaled to length 1 again after the clamp, and their
  lengths have a floor, far below that of any texture, so that flat parts have the code 0;
- arithmetic: `vl_dsift` has fast approximations of root and arc tangent.

The cosine between a descriptor and that of `vl_dsift` is above 0.999 with its WindowSize 1.5, and
above 0.99 with its own 2. Neither leaves out descriptors of low contrast. Pixels behind the last
whole descriptor, fewer than 3 cells at the bottom and at the right, have no part in the code.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import final

import torch
from torch import Tensor

from preimage_worker.inversion.errors import PictureTooSmallError
from preimage_worker.inversion.representations.directions import vote

ORIENTATIONS = 4
DIRECTIONS = 2 * ORIENTATIONS
CELLS = 4
"""Along each side of a descriptor."""
STEP = 3
"""Between neighbouring descriptors, in cells."""
CHANNELS = CELLS * CELLS * DIRECTIONS

_WINDOW_CELLS = 1.5
_CLAMP = 0.2
_FLOOR = 1e-4
"""Of the squared length; the faintest edge of one grey level gives more than 1."""


@final
@dataclass(frozen=True)
class Dsift:
    """Dense SIFT with cells of `cell` pixels; canvases have one grey channel with mean 128."""

    cell: int

    @property
    def model(self) -> str:
        """The name that presets know it by."""
        return "dsift"

    @property
    def layer(self) -> str:
        """By the size of the cells: "bin5"."""
        return f"bin{self.cell}"

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
        """Of a picture with one descriptor: four cells, and the outer halves of the outer ones."""
        return (CELLS + 1) * self.cell - 1

    @property
    def grid_offset(self) -> int:
        """A descriptor needs two cells more than the distance to the next one, less a pixel."""
        return STEP * self.cell - self.smallest_side

    def stride(self, height: int, width: int) -> float:  # noqa: ARG002 - the same for all sizes
        """Pixels between neighbouring descriptors."""
        return float(STEP * self.cell)

    def code_shape(self, height: int, width: int) -> tuple[int, ...]:
        """128 channels; as many descriptors as lie in the picture with all their cells.

        Raises:
            PictureTooSmallError: a picture of this size has no descriptor.
        """
        if min(height, width) < self.smallest_side:
            raise PictureTooSmallError(
                f"A picture of {height}×{width} pixels is too small for {self.layer} of "
                f"{self.model}; use one with sides of at least {self.smallest_side} pixels."
            )
        step = STEP * self.cell
        rows, columns = ((side + self.grid_offset) // step for side in (height, width))
        return CHANNELS, rows, columns

    def __call__(self, canvas: Tensor) -> Tensor:
        """`(lanes, 128, rows, columns)`.

        Channels are those of `vl_dsift`: direction + 8 · (cell across + 4 · cell down).
        """
        with torch.autocast(canvas.device.type, enabled=False):
            down, across = torch.gradient(canvas[:, 0], dim=(1, 2))
            votes = vote(across, down, ORIENTATIONS, bilinear=True)
            return _normalise(_gather(self._spread(votes), self.cell))

    def _cells(self, side: int) -> int:
        """Whole cells, neighbours overlapping by half, along a side."""
        return (side + 1) // self.cell - 1

    def _spread(self, votes: Tensor) -> Tensor:
        """Votes into cells, bilinearly: a product with a band matrix from each side."""
        height, width = votes.shape[-2:]
        down, across = (
            _cell_weights(self.cell, self._cells(side), side, votes.dtype, votes.device)
            for side in (height, width)
        )
        return (down @ votes) @ across.mT


def bin5() -> Dsift:
    """Cells of 5 pixels, as in 2015."""
    return Dsift(5)


def bin8() -> Dsift:
    """Cells of 8 pixels, as in 2016."""
    return Dsift(8)


@lru_cache(maxsize=64)
def _cell_weights(
    cell: int, cells: int, side: int, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """`(cells, side)`: 1 − |distance to the cell's centre| / cell; the first begins at pixel 0."""
    centres = torch.arange(1, cells + 1, dtype=torch.float64) * cell - 1
    distances = (torch.arange(side, dtype=torch.float64) - centres[:, None]).abs() / cell
    return (1 - distances).clamp(min=0).to(device, dtype)


def _gather(cells: Tensor, cell: int) -> Tensor:
    """Each descriptor's cells, weighted by the window: `(lanes, 128, rows, columns)`."""
    blocks = cells.unfold(2, CELLS, STEP).unfold(3, CELLS, STEP)
    weighted = blocks * _window(cell, cells.dtype, cells.device)
    return weighted.permute(0, 4, 5, 1, 2, 3).flatten(1, 3)


@lru_cache(maxsize=8)
def _window(cell: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """`(4, 4)`: the mean over each cell of a Gaussian around the descriptor's centre."""
    within = torch.arange(1 - cell, cell, dtype=torch.float64) / cell
    centres = torch.arange(CELLS, dtype=torch.float64) - (CELLS - 1) / 2
    offsets = (centres[:, None] + within) / _WINDOW_CELLS
    along = (-0.5 * offsets.square()).exp().mean(dim=1)
    return torch.outer(along, along).to(device, dtype)


def _normalise(descriptors: Tensor) -> Tensor:
    """Each descriptor at length 1, its entries clamped at 0.2."""
    energy = descriptors.square().sum(dim=1, keepdim=True)
    return (descriptors * (energy + _FLOOR).rsqrt()).clamp(max=_CLAMP)
