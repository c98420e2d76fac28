"""Final measurements: what is true of the picture that is delivered, not of the one optimised.

Always in float32, whatever precision the lanes ran in, and without a gradient.
"""

import torch
from torch import Tensor

from preimage_worker.inversion.images import to_canvas, to_pixels
from preimage_worker.inversion.objectives import Target, data_term
from preimage_worker.inversion.precision import Precision, computing
from preimage_worker.inversion.representations.base import Representation

PASSES = 2
"""Forward passes that `measure` takes for each picture."""


def measure(representation: Representation, pictures: Tensor, target: Target) -> Tensor:
    """Relative errors ‖m∘(Φ(x) − Φ₀)‖ / ‖m∘Φ₀‖ of the pictures as they are and as 8 bits.

    Args:
        representation: Φ.
        pictures: `(lanes, channels, height, width)`, canvas units.
        target: of the same lanes.

    Returns:
        `(2, lanes)`: of the float pictures; of the pictures clipped, rounded and encoded again.
    """
    delivered = to_canvas(to_pixels(pictures, representation.mean), representation.mean)
    unweighted = torch.ones_like(target.energy)
    with torch.no_grad(), computing(Precision.FP32, pictures.device):
        errors = [
            data_term(representation(canvas), target, unweighted)[0].sqrt()
            for canvas in (pictures, delivered)
        ]
    return torch.stack(errors)
