"""Settings as callers give them: their names and types, checked before anything is built or sent.

One line of `_KINDS` for each setting that is no choice; what makes sense, the server decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Unpack

from preimage.errors import BadInput
from preimage.kinds import (
    BOXES,
    INT32,
    LARGEST_INT32,
    NUMBER,
    POSITIVE,
    RANGES,
    SECONDS,
    SIZE,
    SWITCH,
    TEXT,
    WHOLE,
    Kind,
    instance,
    is_number,
)
from preimage.parts import AutomaticStrength, Mask, Plateau, Repulsion, Unit
from preimage.request import Request, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from preimage.request import Task
    from preimage.sources import Source

_WHOLE_NUMBERS = {
    "steps": (1, LARGEST_INT32),
    "restarts": (1, LARGEST_INT32),
    "seed": (0, 2**64 - 1),
    "preview_every_steps": (0, LARGEST_INT32),
}
"""What the wire can hold, so that a mistake is named here."""


def make_request(
    source: Source,
    model: str,
    layer: str | None,
    request_id: str | None,
    task: Task = "invert",
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
    return Request(
        source=source, model=model, layer=layer, request_id=request_id, task=task, **settings
    )


def raised(unit: int | Unit | None, direction: Source | None) -> Source:
    """Returns what is to be maximised.

    Raises:
        BadInput: there is neither, or there are both.
    """
    if direction is not None and unit is None:
        return direction
    if unit is None or direction is not None:
        raise BadInput("Name a unit to raise with unit=, or a direction with direction=; not both.")
    return unit if isinstance(unit, Unit) else Unit(unit)


def check_settings(request: Request) -> None:
    """Checks the types of all settings but those that are choices.

    Raises:
        BadInput: one has the wrong type, or does not fit the wire.
    """
    for name, kind in _KINDS.items():
        value = getattr(request, name)
        if name in _REQUIRED or value is not None:
            kind.check(name, value)
    for name, (least, largest) in _WHOLE_NUMBERS.items():
        value = getattr(request, name)
        if value is not None and not least <= int(value) <= largest:
            limits = _limits(int(value), least, largest)
            raise BadInput(f"The setting {name} must be {limits}, not {value}.")
    for name, value, kind in _parts(request):
        kind.check(name, value)


def check_input_size(size: object) -> None:
    """Checks the type of a size.

    Raises:
        BadInput: it is no (height, width).
    """
    SIZE.check("input_size", size)


def check_mask(mask: Mask, name: str) -> None:
    """Checks the parts of a mask, which goes by `name`.

    Raises:
        BadInput: one has the wrong type, or the centre is empty.
    """
    RANGES.check(f"{name}.channels", mask.channels)
    BOXES.check(f"{name}.boxes", mask.boxes)
    RANGES.check(f"{name}.tokens", mask.tokens)
    if mask.centre is not None:
        INT32.check(f"{name}.centre", mask.centre)
        if mask.centre < 1:
            raise BadInput(
                f"The setting {name}.centre must be at least 1, not {mask.centre}; leave it out "
                "for no such box."
            )


def check_unit(unit: Unit) -> None:
    """Checks the indices of a unit.

    Raises:
        BadInput: one is no index.
    """
    INT32.check("unit.channel", unit.channel)
    for name in ("row", "column", "token"):
        value = getattr(unit, name)
        if value is not None:
            INT32.check(f"unit.{name}", value)


def _limits(value: int, least: int, largest: int) -> str:
    """What a whole number must be; the server's own limits are tighter than those of the wire."""
    if largest != LARGEST_INT32:
        return f"{least} to {largest}"
    if value < least:
        return f"at least {least}"
    return f"at most {largest}, the largest number that a request can hold"


def _parts(request: Request) -> Iterator[tuple[str, object, Kind]]:
    plateau, repulsion, strength = request.plateau, request.repulsion, request.prior_weight
    if plateau is not None:
        yield "plateau.minimum_decrease", plateau.minimum_decrease, NUMBER
        yield "plateau.window_steps", plateau.window_steps, INT32
    if repulsion is not None:
        yield "repulsion.error_budget", repulsion.error_budget, POSITIVE
        yield "repulsion.weight", repulsion.weight, POSITIVE
    if isinstance(strength, AutomaticStrength):
        yield "prior_weight.noise_multiple", strength.noise_multiple, POSITIVE
        yield "prior_weight.least_error", strength.least_error, POSITIVE


def _is_strength(value: object) -> bool:
    word = isinstance(value, str) and value == "auto"
    return word or isinstance(value, AutomaticStrength) or is_number(value)


_REQUIRED = ("model", "restarts", "seed", "preview_every_steps")
"""Those that have no None."""
_NUMBERS = (
    "activation_scale",
    "data_weight",
    "tv_weight",
    "tv_exponent",
    "alpha_weight",
    "alpha_exponent",
    "bound",
    "target_error",
    "rate_factor",
)
_KINDS = {
    **dict.fromkeys(("model", "layer", "preset", "request_id"), TEXT),
    **dict.fromkeys(_WHOLE_NUMBERS, WHOLE),
    **dict.fromkeys(_NUMBERS, NUMBER),
    **dict.fromkeys(("jitter", "decorrelate_colour"), SWITCH),
    "prior_weight": Kind(_is_strength, 'a number, "auto" or preimage.AutomaticStrength(…)'),
    "deadline_seconds": SECONDS,
    "plateau": instance(Plateau, "preimage.Plateau(minimum_decrease, window_steps)"),
    "repulsion": instance(Repulsion, "preimage.Repulsion(error_budget, weight)"),
    "mask": Kind(
        lambda value: isinstance(value, Mask | Mapping),
        "preimage.Mask(channels=…, boxes=…, tokens=…), or a mapping from layers to masks",
    ),
    "input_size": SIZE,
}
