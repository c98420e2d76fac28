"""Records as JSON, and back."""

import json
import math
from dataclasses import dataclass
from enum import Enum

import pytest

from preimage_worker.audit.measures.recovery import Missing
from preimage_worker.audit.plain import from_plain, shape, to_json, to_plain


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True)
class Leaf:
    number: float
    colour: Colour


@dataclass(frozen=True)
class Tree:
    leaves: tuple[Leaf, ...]
    one: Leaf | Missing
    other: Leaf | Missing | None
    height: float | None
    name: str | None
    deep: tuple[tuple[int, ...], ...] = ()


LEAF = Leaf(0.1, Colour.RED)
TREES = (
    Tree((), Missing("why"), None, None, None),
    Tree((LEAF, LEAF), LEAF, Missing("why"), 3.5, "ö", ((1, 2), ())),
)


@pytest.mark.parametrize("tree", TREES)
def test_a_record_comes_back_from_its_json(tree: Tree) -> None:
    text = to_json(tree)
    assert from_plain(Tree, json.loads(text)) == tree
    assert to_json(from_plain(Tree, json.loads(text))) == text


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_numbers_that_are_not_finite_are_refused(number: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        to_plain(Leaf(number, Colour.RED))


def test_what_is_no_record_is_refused() -> None:
    with pytest.raises(ValueError, match="holds a set"):
        to_plain({1})


@pytest.mark.parametrize(
    "plain", [{}, {"number": 1.0}, {"number": 1.0, "colour": "blue"}, ["number"], 3, None]
)
def test_values_of_another_record_are_refused(plain: object) -> None:
    with pytest.raises(ValueError, match=r"not the values of a Leaf|is not a valid Colour"):
        from_plain(Leaf, plain)  # type: ignore[arg-type]


def test_a_member_that_is_in_no_union_is_refused() -> None:
    plain = to_plain(TREES[1])
    assert isinstance(plain, dict)
    with pytest.raises(ValueError, match="of no class of"):
        from_plain(Tree, plain | {"one": {"unknown": 1}})


@dataclass(frozen=True)
class TallerTree(Tree):
    width: float = 0.0


def test_the_shape_of_a_record_changes_with_its_fields_and_with_those_of_its_records() -> None:
    assert shape(Tree) != shape(TallerTree)
    assert shape(tuple[Tree, ...]) != shape(tuple[TallerTree, ...])
    assert shape(Leaf) == {"number": "<class 'float'>", "colour": ["red"]}
    assert shape(Leaf | None) != shape(Leaf)
