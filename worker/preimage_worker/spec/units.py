"""What activation maximisation raises: a unit as a direction, and what counts as strong."""

import math

import torch
from torch import Tensor

from preimage.v1 import model_service_pb2 as models_wire
from preimage.v1 import spec_pb2 as wire
from preimage_worker.axes import Shape, axes_of
from preimage_worker.errors import InvalidSpecError
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.start import natural_noise

_PICTURES = 4
_CONTRAST = 50.0
"""Root mean square of usual photographs around the mean, in grey levels."""


def direction(unit: wire.Unit, shape: Shape, layout: models_wire.CodeLayout.ValueType) -> Tensor:
    """The direction along which a code is the mean of the unit's elements: 1/n on each of n.

    Raises:
        InvalidSpecError: the code has no such unit.
    """
    axes, chosen = axes_of(shape, layout), torch.zeros(shape)
    if unit.HasField("row") != unit.HasField("column"):
        raise InvalidSpecError("A unit has a row without a column or the reverse; name both.")
    index: list[slice | int] = [slice(None)] * len(shape)
    for axis, name, given in (
        (axes.channels, "channel", True),
        (axes.rows, "row", unit.HasField("row")),
        (axes.columns, "column", unit.HasField("column")),
        (axes.tokens, "token", unit.HasField("token")),
    ):
        if not given:
            continue
        number: int = getattr(unit, name)
        if axis is None:
            raise InvalidSpecError(f"A code of shape {list(shape)} has no {name} to raise.")
        if not 0 <= number < shape[axis]:
            raise InvalidSpecError(
                f"The unit's {name} {number} does not lie in 0 to {shape[axis] - 1}."
            )
        index[axis] = number
    chosen[tuple(index)] = 1
    return chosen / chosen.sum()


def strength(problem: Problem, representation: Representation, device: torch.device) -> float:
    """What counts as a strong activation: Σ |m²∘Φ₀| times the layer's root mean square.

    That of its code of noise with the spectrum, the colours and the contrast of natural pictures,
    the same in all jobs. The layer as a whole is measured: a single unit may well be silent there.

    Raises:
        InvalidSpecError: the layer gives nothing but zeros for such noise.
    """
    generator = torch.Generator().manual_seed(0)
    shape, squares = (representation.channels, problem.height, problem.width), 0.0
    for _ in range(_PICTURES):
        canvas = _CONTRAST * natural_noise(shape, generator)[None].to(device)
        with torch.no_grad():
            squares += float(representation(canvas).double().square().mean())
    root = math.sqrt(squares / _PICTURES)
    target, mask = problem.target.double(), problem.mask
    along = target if mask is None else target * mask.double().square()
    found = root * float(along.abs().sum())
    if not found > 0:
        raise InvalidSpecError(
            f"Layer {representation.layer!r} gives nothing but zeros for noise, so there is no "
            "scale to measure; send objective.activation_scale."
        )
    return found
