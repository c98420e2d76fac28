"""Does what a caller hands over suit the task? Pictures, codes by layer, units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from preimage.errors import BadInput
from preimage.features import Features
from preimage.layers import terms_of
from preimage.parts import Unit
from preimage.settings import check_unit

if TYPE_CHECKING:
    from preimage.request import Request
    from preimage.sources import Content


def check_content(request: Request, content: Content) -> None:
    """Checks that the source is what the task needs, and that codes belong to the layers.

    Raises:
        BadInput: it does not suit, or a code belongs to another model or layer.
    """
    layers = tuple(term.layer for term in terms_of(request))
    code = isinstance(content, Features | Mapping)
    if isinstance(content, Unit):
        check_unit(content)
    if isinstance(content, Unit) and request.task != "maximise":
        raise BadInput("A Unit holds no code to invert: raise it with client.maximise.")
    if request.task == "caricature" and code:
        raise BadInput("A caricature starts from a picture: a code cannot be given.")
    if isinstance(content, Features):
        if len(layers) > 1:
            raise BadInput("One code cannot stand for several layers: give {layer: code, …}.")
        _check_origin(request.model, layers[0], content)
    elif isinstance(content, Mapping):
        _check_codes(request.model, layers, content)


def input_size_of(content: Content) -> tuple[int, int] | None:
    """Returns the (height, width) that a code brings along, where it does."""
    codes = content.values() if isinstance(content, Mapping) else (content,)
    sizes = (code.input_size for code in codes if isinstance(code, Features))
    return next((size for size in sizes if size is not None), None)


def _check_codes(model: str, layers: tuple[str, ...], codes: Mapping[str, Features]) -> None:
    if set(codes) != set(layers):
        given, wanted = (", ".join(map(repr, sorted(names))) for names in (codes, layers))
        raise BadInput(f"There are codes of the layers {given}, but the request names {wanted}.")
    for layer, code in codes.items():
        _check_origin(model, layer, code)


def _check_origin(model: str, layer: str, features: Features) -> None:
    asked, origin = (model, layer), (features.model, features.layer)
    for wanted, known, name in zip(asked, origin, ("model", "layer"), strict=True):
        if known is not None and known != wanted:
            raise BadInput(
                f"These features are codes of {name} {known!r}, but the request names {wanted!r}."
            )
