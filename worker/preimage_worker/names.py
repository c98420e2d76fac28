"""Names in sentences: what was meant by one that is unknown, and long lists of them cut short."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

_SHOWN = 12
_ALIKE = 0.6
_LONGEST = 128
"""Letters of a word that are compared: it may be a stranger's."""


def listed(names: Iterable[str]) -> str:
    """The first names, and how many more there are."""
    known = list(names)
    more = len(known) - _SHOWN
    return ", ".join(known[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def meant(word: str, known: Collection[str]) -> str:
    """The part of a sentence, in brackets, that names what was meant; empty if nothing is near."""
    near = get_close_matches(word[:_LONGEST], list(known), 1, _ALIKE)
    return f" (did you mean {near[0]!r}?)" if near else ""


def no_model(name: str, known: Collection[str]) -> str:
    """What is said of a model that is not in the catalogue, whose models are known."""
    what = f"This worker's catalogue has no model {name!r}"
    return f"{what}{meant(name, known) or f'; it has {listed(known)}'}."
