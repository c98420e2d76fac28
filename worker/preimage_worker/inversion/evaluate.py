"""Final measurements: what is true of the picture that is delivered, not of the one optimised.

Always in float32, whatever precision the lanes ran in, and without a gradient.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.linalg import vector_norm

from preimage_worker.inversion.images import to_canvas, to_pixels
from preimage_worker.inversion.objectives import Target, data_term, missed
from preimage_worker.inversion.precision import Precision, computing
from preimage_worker.inversion.representations.parts import Part, parts_of
from preimage_worker.inversion.shared_setup import Setup

PASSES = 2
"""Forward passes that `measure` takes for each picture."""


class Errors(NamedTuple):
    """Errors of pictures: first of the float ones, then of them clipped, rounded, encoded again."""

    whole: Tensor
    """`(2, lanes)`: of the whole codes."""
    layers: Tensor
    """`(2, lanes, layers)`: of each layer by itself, where the codes are of several; else empty."""


def measure(setup: Setup, pictures: Tensor, target: Target) -> Errors:
    """Relative errors ‖m∘(Φ(x) − Φ₀)‖ / ‖m∘Φ₀‖ of the pictures as they are and as 8 bits.

    Of Loss.INNER, which has none: the activations. Of codes with bounds: the distances to those.

    Args:
        setup: with the representation Φ.
        pictures: `(lanes, channels, height, width)`, canvas units.
        target: of the same lanes.
    """
    delivered = _delivered(setup, pictures)
    with torch.no_grad(), computing(Precision.FP32, setup.device):
        both = [_errors(setup, canvas, target) for canvas in (pictures, delivered)]
    return Errors(*(torch.stack(errors) for errors in zip(*both, strict=True)))


def noise_floors(setup: Setup, pictures: Tensor, target: Target) -> Tensor:
    """‖m∘(Φ(x) − Φ(x in 8 bits))‖ / ‖m∘Φ₀‖, `(lanes,)`: what no delivered picture can show.

    Arguments as for `measure`. Two forward passes a picture.
    """
    delivered = _delivered(setup, pictures)
    floors = []
    with torch.no_grad(), computing(Precision.FP32, setup.device):
        for some in setup.portions(len(pictures)):
            exact = setup.representation(pictures[some]).float()
            rounded = setup.representation(delivered[some]).float()
            changed = vector_norm(_masked(rounded - exact, target.of(some)), dim=1)
            floors.append(changed / target.energy[some].sqrt())
    return torch.cat(floors)


def _delivered(setup: Setup, pictures: Tensor) -> Tensor:
    """The canvases of the 8-bit pictures."""
    mean = setup.representation.mean
    return to_canvas(to_pixels(pictures, mean), mean)


def _errors(setup: Setup, canvas: Tensor, target: Target) -> tuple[Tensor, Tensor]:
    """Of the whole codes, `(lanes,)`, and of each layer, `(lanes, layers)`."""
    parts = parts_of(setup.representation, setup.height, setup.width)
    unweighted = torch.ones_like(target.energy)
    whole, layers = [], []
    for some in setup.portions(len(canvas)):
        found, wanted = setup.representation(canvas[some]).float(), target.of(some)
        whole.append(data_term(found, wanted, unweighted[some], setup.loss).achieved)
        layers.append(_by_layer(found, wanted, parts if len(parts) > 1 else ()))
    return torch.cat(whole), torch.cat(layers)


def _by_layer(found: Tensor, target: Target, parts: Sequence[Part]) -> Tensor:
    """‖m∘(Φ − Φ₀)‖ / ‖m∘Φ₀‖ within each part; what weighs a whole layer cancels."""
    lengths = [
        [vector_norm(codes[:, part.where], dim=1) for part in parts]
        for codes in (_masked(missed(found, target), target), _masked(target.code, target))
    ]
    quotients = [distance / wanted for distance, wanted in zip(*lengths, strict=True)]
    return torch.stack(quotients, dim=1) if parts else found.new_empty(len(found), 0)


def _masked(codes: Tensor, target: Target) -> Tensor:
    """m∘Φ as vectors."""
    return (codes if target.mask is None else codes * target.mask).flatten(1)


def layer_norms(code: Tensor, mask: Tensor | None, parts: Sequence[Part]) -> list[float]:
    """‖Φ₀‖ of every layer of a code, over the elements that the mask m does not leave out.

    The weights that a mask holds beside (of layers, of noise) do not count: these are norms in the
    layers' own units.
    """
    kept = (code if mask is None else code * (mask != 0)).flatten().double()
    return [float(vector_norm(kept[part.where])) for part in parts]


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
