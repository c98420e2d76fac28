"""How long the colour vectors of pixels are."""

import torch
from torch import Tensor


def square_lengths(canvas: Tensor) -> Tensor:
    """|x|² of each pixel over its channels, `(lanes, 1, height, width)`.

    Channel by channel, which writes no squares of the whole canvas.
    """
    first, *others = torch.split(canvas, 1, dim=1)
    total: Tensor = first.square()
    for channel in others:
        total.addcmul_(channel, channel)
    return total
