"""PromQL taken apart: which series an expression selects, and what an alert compares."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, final

import promql_parser as ql

_COMPARISONS: Final = {"==", "!=", ">", "<", ">=", "<="}
_SETS: Final = {"and", "or", "unless"}


@final
@dataclass(frozen=True)
class Selected:
    """A selector: a metric, and the labels that it asks for."""

    metric: str
    labels: frozenset[str]


def selected(expression: str) -> set[Selected]:
    """All selectors of an expression.

    Raises:
        ValueError: it is no PromQL.
    """
    return set(_selectors(ql.parse(expression)))


def operands(expression: str) -> list[str]:
    """What must have data for the expression to mean something.

    An alert that does not fire has none. So comparisons, set operations and `absent` are taken away
    and what they are about is left.
    """
    return [text for text in map(str, _operands(ql.parse(expression))) if text]


def _selectors(node: ql.Expr) -> Iterator[Selected]:
    match node:
        case ql.VectorSelector():
            labels = frozenset(each.name for each in node.matchers.matchers)
            yield Selected(node.name or "", labels)
        case ql.MatrixSelector():
            yield from _selectors(node.vector_selector)
        case _:
            for child in _children(node):
                yield from _selectors(child)


def _children(node: ql.Expr) -> list[ql.Expr]:
    match node:
        case ql.BinaryExpr():
            return [node.lhs, node.rhs]
        case ql.AggregateExpr():
            return [node.expr, *([node.param] if node.param else [])]
        case ql.Call():
            return list(node.args)
        case ql.ParenExpr() | ql.UnaryExpr() | ql.SubqueryExpr():
            return [node.expr]
        case _:
            return []


def _operands(node: ql.Expr) -> Iterator[ql.Expr]:
    match node:
        case ql.ParenExpr():
            yield from _operands(node.expr)
        case ql.BinaryExpr() if str(node.op) in _COMPARISONS | _SETS:
            for side in (node.lhs, node.rhs):
                yield from _operands(side)
        case ql.Call() if node.func.name == "absent":
            yield from _operands(node.args[0])
        case ql.NumberLiteral():
            return
        case _:
            yield node
