"""Settings as callers give them: their names and types, checked before anything is built or sent.

One line of `_KINDS` for each setting that is no choice; what makes sense, the server decides.
"""

from __future__ import annotations

import math
from difflib import get_close_matches
from numbers import Integral, Real
from typing import TYPE_CHECKING, NamedTuple, Unpack

from preimage.errors import BadInput
from preimage.request import Mask, Plateau, Request, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from preimage.sources import Source

_LARGEST_INT32 = 2**31 - 1
_SMALLEST_INT32 = -(2**31)
_WHOLE_NUMBERS = {
    "steps": (1, _LARGEST_INT32),
    "restarts": (1, _LARGEST_INT32),
    "seed": (0, 2**64 - 1),
    "preview_every_steps": (0, _LARGEST_INT32),
}
"""What the wire can hold, so that a mistake is named here."""


class _Kind(NamedTuple):
    """What a setting may be."""

    holds: Callable[[object], bool]
    """Whether a value is one."""
    description: str
    """The same in words, behind "must be"."""


def make_request(
    source: Source,
    model: str,
    layer: str,
    request_id: str | None,
    **settings: Unpack[Settings],
) -> Request:
    """Builds the request of keyword arguments.

    Raises:
        BadInput: a setting does not exist.
    """
    for name in settings:
        if name not in Settings.__annotations__:
            known = ", ".join(Settings.__annotations__)
            near = get_close_matches(name, Settings.__annotations__, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {known}."
            raise BadInput(f"The keyword {name} is no setting; {hint}")
    return Request(source=source, model=model, layer=layer, request_id=request_id, **settings)


def check_settings(request: Request) -> None:
    """Checks the types of all settings but those that are choices.

    Raises:
        BadInput: one has the wrong type, or does not fit the wire.
    """
    for name, kind in _KINDS.items():
        value = getattr(request, name)
        if name in _REQUIRED or value is not None:
            _check(name, value, kind)
    for name, (least, largest) in _WHOLE_NUMBERS.items():
        value = getattr(request, name)
        if value is not None and not least <= int(value) <= largest:
            raise BadInput(f"The setting {name} must be {least} to {largest}, not {value}.")
    for name, value, kind in _parts(request):
        _check(name, value, kind)


def check_input_size(size: object) -> None:
    """Checks the type of a size.

    Raises:
        BadInput: it is no (height, width).
    """
    _check("input_size", size, _SIZE)


def _check(name: str, value: object, kind: _Kind) -> None:
    if not kind.holds(value):
        raise BadInput(f"The setting {name} must be {kind.description}, not {value!r}.")


def _parts(request: Request) -> Iterator[tuple[str, object, _Kind]]:
    mask, plateau = request.mask, request.plateau
    if mask is not None:
        yield "mask.channels", mask.channels, _RANGES
        yield "mask.boxes", mask.boxes, _BOXES
        yield "mask.tokens", mask.tokens, _RANGES
    if plateau is not None:
        yield "plateau.minimum_decrease", plateau.minimum_decrease, _NUMBER
        yield "plateau.window_steps", plateau.window_steps, _INT32


def _is_number(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real)


def _is_whole(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, Integral)


def _is_int32(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, Integral):
        return False
    return _SMALLEST_INT32 <= int(value) <= _LARGEST_INT32


def _is_row(value: object, length: int) -> bool:
    return isinstance(value, tuple | list) and len(value) == length and all(map(_is_int32, value))


def _is_rows(value: object, length: int) -> bool:
    return isinstance(value, tuple | list) and all(_is_row(each, length) for each in value)


def _is_duration(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    return 0 < float(value) < math.inf


_NUMBER = _Kind(_is_number, "a number")
_INT32 = _Kind(_is_int32, f"a whole number of at most {_LARGEST_INT32}")
_WHOLE = _Kind(_is_whole, "a whole number")
_TEXT = _Kind(lambda value: isinstance(value, str), "a text")
_SIZE = _Kind(lambda value: _is_row(value, 2), "(height, width), two whole numbers")
_RANGES = _Kind(lambda value: _is_rows(value, 2), "pairs of whole numbers ((begin, end), …)")
_BOXES = _Kind(
    lambda value: _is_rows(value, 4), "boxes (preimage.Box(top, left, height, width), …)"
)
_REQUIRED = ("model", "layer", "restarts", "seed", "preview_every_steps")
"""Those that have no None."""
_KINDS = {
    **dict.fromkeys(("model", "layer", "preset", "request_id"), _TEXT),
    **dict.fromkeys(_WHOLE_NUMBERS, _WHOLE),
    **dict.fromkeys(
        (
            "data_weight",
            "tv_weight",
            "tv_exponent",
            "alpha_weight",
            "alpha_exponent",
            "target_error",
            "rate_factor",
        ),
        _NUMBER,
    ),
    "deadline_seconds": _Kind(_is_duration, "a number of seconds, more than 0"),
    "plateau": _Kind(
        lambda value: isinstance(value, Plateau), "preimage.Plateau(minimum_decrease, window_steps)"
    ),
    "mask": _Kind(
        lambda value: isinstance(value, Mask), "preimage.Mask(channels=…, boxes=…, tokens=…)"
    ),
    "input_size": _SIZE,
    "jitter": _Kind(lambda value: isinstance(value, bool), "True or False"),
}
