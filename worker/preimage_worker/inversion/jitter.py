"""Jitter: every step feeds its own crop of a canvas that is T − 1 pixels larger each way.

Mahendran & Vedaldi 2016: a code does not change much when the picture moves by less than the
layer's stride, so averaging over such moves takes out patterns that are locked to the grid. The
priors act on the whole canvas; what is delivered is the crop in the centre.

Offsets are known to the host, so crops are views: no index tensors, nothing to synchronise.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from preimage_worker.inversion.counter import hash64

Offset = tuple[int, int]
"""Of a crop's upper left corner in the canvas: rows, columns."""

STILL: Offset = (0, 0)


def jitter_range(stride: float) -> int:
    """T = max(round(stride / 4), 1), halves rounded up, for a stride in pixels."""
    return max(int(stride / 4 + 0.5), 1)


def random_offset(size: int, seed: int, restart: int, step: int) -> Offset:
    """The crop of one step: uniform over `size × size` offsets, decided by the counters alone."""
    return hash64(seed, restart, step, 0) % size, hash64(seed, restart, step, 1) % size


def centre_offset(size: int) -> Offset:
    """The crop that is delivered from a canvas with jitter range `size`."""
    return (size - 1) // 2, (size - 1) // 2


def crop(canvas: Tensor, offsets: Sequence[Offset], height: int, width: int) -> Tensor:
    """Each lane's crop: `(lanes, channels, height, width)`, a view where all offsets agree."""
    if len(set(offsets)) == 1:
        row, column = offsets[0]
        return canvas[:, :, row : row + height, column : column + width]
    return torch.stack(windows(canvas, offsets, height, width))


def add_crop_(canvas: Tensor, offsets: Sequence[Offset], crops: Tensor) -> Tensor:
    """Add crops back where `crop` took them from, in place: the adjoint of `crop`."""
    height, width = crops.shape[-2:]
    if len(set(offsets)) == 1:
        row, column = offsets[0]
        canvas[:, :, row : row + height, column : column + width] += crops
        return canvas
    for window, one in zip(windows(canvas, offsets, height, width), crops, strict=True):
        window.add_(one)
    return canvas


def windows(canvas: Tensor, offsets: Sequence[Offset], height: int, width: int) -> list[Tensor]:
    """Views of each lane's crop."""
    return [
        canvas[lane, :, row : row + height, column : column + width]
        for lane, (row, column) in enumerate(offsets)
    ]
