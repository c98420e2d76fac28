"""Records as plain values that JSON has, and back.

Dataclasses become objects, enums their values, tuples lists. Numbers that are not finite are
refused: a report says with a reason what it does not know.
"""

import dataclasses
import json
import math
import types
import typing
from enum import Enum
from typing import Any, TypeVar

T = TypeVar("T")

Plain = dict[str, "Plain"] | list["Plain"] | str | int | float | bool | None
"""What JSON has."""


def to_plain(value: object) -> Plain:
    """A record as plain values.

    Raises:
        ValueError: a number is not finite, or something is no record.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            each.name: to_plain(getattr(value, each.name)) for each in dataclasses.fields(value)
        }
    if isinstance(value, tuple | list):
        return [to_plain(each) for each in value]
    if isinstance(value, Enum):
        return to_plain(value.value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a record holds a number that is not finite")
    if value is None or isinstance(value, str | int | float):
        return value
    raise ValueError(f"a record holds a {type(value).__name__}")


def from_plain(kind: type[T], plain: Plain) -> T:
    """The record of this class that `to_plain` made the values of.

    Raises:
        ValueError: they are of another class.
    """
    try:
        return typing.cast("T", _read(kind, plain))
    except (KeyError, TypeError) as error:
        raise ValueError(f"these are not the values of a {kind.__name__}: {error!r}") from error


def shape(kind: Any) -> Plain:  # noqa: ANN401 - types are its argument
    """What values of this type look like: of a record its fields, down to those of its records."""
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return {each.name: shape(hints[each.name]) for each in dataclasses.fields(kind)}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [to_plain(each) for each in kind]
    within = typing.get_args(kind)
    return [shape(each) for each in within] if within else str(kind)


def to_json(value: object) -> str:
    """A record as JSON: the same text for equal records."""
    return json.dumps(to_plain(value), allow_nan=False, ensure_ascii=False, indent=1) + "\n"


def _read(kind: Any, plain: Any) -> Any:  # noqa: ANN401 - types are its argument
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in {typing.Union, types.UnionType}:
        return _read(_member(arguments, plain), plain)
    if origin is tuple:
        return tuple(_read(arguments[0], each) for each in plain)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        wanted = {each.name for each in dataclasses.fields(kind)}
        if not isinstance(plain, dict) or plain.keys() != wanted:
            raise TypeError(f"not an object of {', '.join(sorted(wanted))}")
        return kind(**{name: _read(hints[name], plain[name]) for name in wanted})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(plain)
    return plain


def _member(members: tuple[Any, ...], plain: Any) -> Any:  # noqa: ANN401
    """The member of a union that these are the values of: told by the names of its fields."""
    if plain is None:
        return type(None)
    for member in members:
        records = dataclasses.is_dataclass(member)
        if records and isinstance(plain, dict):
            if {each.name for each in dataclasses.fields(member)} == plain.keys():
                return member
        elif not records and member is not type(None) and not isinstance(plain, dict):
            return member
    raise TypeError(f"{plain!r} is of no class of {members}")
