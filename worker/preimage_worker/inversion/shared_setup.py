"""What all lanes of a batch share."""

from typing import NamedTuple

import torch

from preimage_worker.inversion.optimisers.families import Method
from preimage_worker.inversion.precision import Precision
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.settings import Loss


class Setup(NamedTuple):
    """The batch key, and where and how the batch is computed."""

    representation: Representation
    method: Method
    height: int
    """Of the pictures."""
    width: int
    """Of the pictures."""
    device: torch.device
    precision: Precision
    lanes_per_pass: int
    """How many lanes go through the representation at once."""
    loss: Loss = Loss.SQUARED
    """ℓ of all lanes."""

    def portions(self, lanes: int) -> list[slice]:
        """The lanes that go through the representation together."""
        starts = range(0, lanes, self.lanes_per_pass)
        return [slice(start, min(start + self.lanes_per_pass, lanes)) for start in starts]


def default_lanes_per_pass(device: torch.device) -> int:
    """One on a CPU, all on an accelerator.

    Convolutions on CPUs choose their algorithm by the number of pictures, and the last bits with
    it; hundreds of steps through rectifiers make grey levels of such bits. A lane that passes alone
    has the same bits whoever shares its batch. It costs nothing on pictures of 227 × 227, which
    keep a core busy one at a time; on small ones with many cores it costs up to half the speed.
    """
    return 1 if device.type == "cpu" else 2**31
