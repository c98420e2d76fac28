"""The layers of a request, each with its weight and its mask: one, or several at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from preimage.errors import BadInput
from preimage.kinds import POSITIVE, Kind, instance
from preimage.parts import Mask
from preimage.settings import check_mask

if TYPE_CHECKING:
    from preimage.request import Request


class Term(NamedTuple):
    """One layer of the data term."""

    layer: str
    """Its name."""
    weight: float
    """Its weight."""
    mask: Mask | None
    """Which part of its code counts; None: all of it."""


def terms_of(request: Request) -> tuple[Term, ...]:
    """Reads the settings `layer`, `layers` and `mask`; the first term is the request's `layer`.

    Raises:
        BadInput: there is no layer or one too many, or a mask belongs to none of them.
    """
    weights = _weights(request)
    masks = _masks(request, tuple(weights))
    return tuple(Term(name, weight, masks.get(name)) for name, weight in weights.items())


def _weights(request: Request) -> dict[str, float]:
    given = request.layers
    if given is None and request.layer is not None:
        return {request.layer: 1.0}
    if given is None or request.layer is not None:
        raise BadInput("Name one layer with layer=, or several with layers=; not both.")
    _LAYERS.check("layers", given)
    if isinstance(given, Mapping):
        for name, weight in given.items():
            POSITIVE.check(f"layers[{name!r}]", weight)
        return dict(given)
    if len(set(given)) < len(given):
        raise BadInput(f"The setting layers names a layer twice: {given!r}.")
    return dict.fromkeys(given, 1.0)


def _masks(request: Request, names: tuple[str, ...]) -> Mapping[str, Mask]:
    given = request.mask
    if given is None:
        return {}
    if isinstance(given, Mask):
        if len(names) > 1:
            raise BadInput("With several layers, mask must be a mapping from their names to masks.")
        check_mask(given, "mask")
        return {names[0]: given}
    for name, mask in given.items():
        if name not in names:
            raise BadInput(f"The setting mask names {name!r}, which is none of the layers.")
        _MASK.check(f"mask[{name!r}]", mask)
        check_mask(mask, f"mask[{name!r}]")
    return given


def _is_layers(value: object) -> bool:
    if isinstance(value, str) or not isinstance(value, Mapping | Sequence):
        return False
    return len(value) > 0 and all(isinstance(name, str) for name in value)


_LAYERS = Kind(_is_layers, "names of layers, or a mapping from names to weights")
_MASK = instance(Mask, "preimage.Mask(channels=…, boxes=…, tokens=…)")
