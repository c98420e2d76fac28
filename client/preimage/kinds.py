"""What a setting may be: predicates on values, each with its words."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import TYPE_CHECKING, NamedTuple

from preimage.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST_INT32 = 2**31 - 1
_SMALLEST_INT32 = -(2**31)


class Kind(NamedTuple):
    """What a setting may be."""

    holds: Callable[[object], bool]
    """Whether a value is one."""
    description: str
    """The same in words, behind "must be"."""

    def check(self, name: str, value: object) -> None:
        """Checks a value.

        Raises:
            BadInput: it is another kind of value.
        """
        if not self.holds(value):
            raise BadInput(f"The setting {name} must be {self.description}, not {value!r}.")


def instance(kind: type, description: str) -> Kind:
    """Builds the kind of an instance of a class."""
    return Kind(lambda value: isinstance(value, kind), description)


def is_number(value: object) -> bool:
    """Whether it is a number; truth values are none."""
    return not isinstance(value, bool) and isinstance(value, Real)


def _is_whole(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, Integral)


def _is_int32(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, Integral):
        return False
    return _SMALLEST_INT32 <= int(value) <= LARGEST_INT32


def _is_row(value: object, length: int) -> bool:
    return isinstance(value, tuple | list) and len(value) == length and all(map(_is_int32, value))


def _is_rows(value: object, length: int) -> bool:
    return isinstance(value, tuple | list) and all(_is_row(each, length) for each in value)


def _is_positive(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    return 0 < float(value) < math.inf


NUMBER = Kind(is_number, "a number")
POSITIVE = Kind(_is_positive, "a number, more than 0")
SECONDS = Kind(_is_positive, "a number of seconds, more than 0")
INT32 = Kind(_is_int32, f"a whole number of at most {LARGEST_INT32}")
WHOLE = Kind(_is_whole, "a whole number")
SWITCH = instance(bool, "True or False")
TEXT = instance(str, "a text")
SIZE = Kind(lambda value: _is_row(value, 2), "(height, width), two whole numbers")
RANGES = Kind(lambda value: _is_rows(value, 2), "pairs of whole numbers ((begin, end), …)")
BOXES = Kind(lambda value: _is_rows(value, 4), "boxes (preimage.Box(top, left, height, width), …)")
