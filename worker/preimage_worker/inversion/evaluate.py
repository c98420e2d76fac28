"""Final measurements: what is true of the picture that is delivered, not of the one optimised.

Always in float32, whatever precision the lanes ran in, and without a gradient.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from preimage_worker.inversion.images import to_canvas, to_pixels
from preimage_worker.inversion.objectives import Target, data_term
from preimage_worker.inversion.precision import Precision, computing
from preimage_worker.inversion.shared_setup import Setup

PASSES = 2
"""Forward passes that `measure` takes for each picture."""


def measure(setup: Setup, pictures: Tensor, target: Target) -> Tensor:
    """Relative errors ‖m∘(Φ(x) − Φ₀)‖ / ‖m∘Φ₀‖ of the pictures as they are and as 8 bits.

    Of Loss.INNER, which has none: the activations.

    Args:
        setup: with the representation Φ.
        pictures: `(lanes, channels, height, width)`, canvas units.
        target: of the same lanes.

    Returns:
        `(2, lanes)`: of the float pictures; of the pictures clipped, rounded and encoded again.
    """
    mean = setup.representation.mean
    delivered = to_canvas(to_pixels(pictures, mean), mean)
    with torch.no_grad(), computing(Precision.FP32, setup.device):
        return torch.stack([_errors(setup, canvas, target) for canvas in (pictures, delivered)])


def _errors(setup: Setup, canvas: Tensor, target: Target) -> Tensor:
    unweighted = torch.ones_like(target.energy)
    terms = [
        data_term(setup.representation(canvas[some]), target.of(some), unweighted[some], setup.loss)
        for some in setup.portions(len(canvas))
    ]
    return torch.cat([term.achieved for term in terms])


def codes(representation: Callable[[Tensor], Tensor], canvases: Tensor) -> Tensor:
    """Φ of every canvas, one pass each, so that no code depends on what else is looked at.

    Args:
        representation: Φ, or any other function of canvases, on their device.
        canvases: `(n, channels, height, width)`, canvas units.

    Returns:
        `(n, *code_shape)`, float32.
    """
    with torch.no_grad(), computing(Precision.FP32, canvases.device):
        return torch.cat([representation(canvas[None]) for canvas in canvases]).float()
