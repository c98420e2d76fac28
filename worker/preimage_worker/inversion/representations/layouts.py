"""What the axes of a code are, found by following them through the graph.

Every axis has a role: a channel, a row, a column, a token. The picture has channels, rows and
columns; a convolution keeps that order, a permutation permutes roles, flattening merges them, and
whatever keeps the number of axes keeps their roles. So the layout of a Swin block's code follows
from its graph, not from a table of architectures. Where the roles get lost the layout is `OTHER`.
"""

import math
from collections.abc import Mapping
from enum import Enum
from typing import final

import torch
from torch import fx

CHANNEL, ROW, COLUMN, TOKEN = "C", "H", "W", "T"
LED = "K"
"""Tokens of which the first is a class token: one that no picture made, put before the others."""
LOST = "?"

_GRID_OPS = ("conv2d", "convolution")
_MERGED = {ROW + COLUMN: TOKEN, CHANNEL + ROW + COLUMN: CHANNEL}
_RESHAPING = ("flatten", "reshape", "view", "unflatten")
_PERMUTING = ("permute", "transpose")
_CHANNELS_LAST = {"linear", "layernorm", "layer_norm"}
_DIVIDING = ("chunk", "split")
_REDUCING = ("mean", "sum", "amax", "select", "squeeze")


@final
class Layout(Enum):
    """What the axes of a code are."""

    CHANNELS_FIRST = "channels, rows, columns"
    CHANNELS_LAST = "rows, columns, channels"
    TOKENS = "tokens, channels"
    VECTOR = "channels"
    OTHER = "anything else"

    @classmethod
    def of_axes(cls, shape: tuple[int, ...]) -> "Layout":
        """What a code of so many axes is where nothing else is known."""
        by_axes = {3: cls.CHANNELS_FIRST, 2: cls.TOKENS, 1: cls.VECTOR}
        return by_axes.get(len(shape), cls.OTHER)


_LAYOUTS = {
    CHANNEL + ROW + COLUMN: Layout.CHANNELS_FIRST,
    ROW + COLUMN + CHANNEL: Layout.CHANNELS_LAST,
    TOKEN + CHANNEL: Layout.TOKENS,
    LED + CHANNEL: Layout.TOKENS,
    CHANNEL: Layout.VECTOR,
}

Shapes = Mapping[str, tuple[int, ...]]
"""Without the lane axis, by the graph's own node names."""


def layout_of(roles: str) -> Layout:
    """The layout of a code whose axes have these roles."""
    return _LAYOUTS.get(roles, Layout.OTHER)


def grid_rows(shape: tuple[int, ...], roles: str) -> int:
    """Rows of an output that is a grid of more than one position, else 0."""
    if roles not in {CHANNEL + ROW + COLUMN, ROW + COLUMN + CHANNEL}:
        return 0
    rows, columns = (shape[roles.index(role)] for role in (ROW, COLUMN))
    return rows if min(rows, columns) > 1 else 0


def follow(module: fx.GraphModule, shapes: Shapes) -> dict[str, str]:
    """Roles of the axes of every node that has a shape, a letter for each, by graph names."""
    roles: dict[str, str] = {}
    for node in module.graph.nodes:
        if node.op == "placeholder":
            roles[node.name] = CHANNEL + ROW + COLUMN
        elif node.name in shapes:
            roles[node.name] = _roles(module, node, shapes, roles)
        elif node.op == "call_module" or _operation(module, node).startswith(_DIVIDING):
            roles[node.name] = _source(node, roles, 0)[1]  # several outputs, each like the input
    return {name: roles[name] for name in shapes}


def _roles(module: fx.GraphModule, node: fx.Node, shapes: Shapes, roles: dict[str, str]) -> str:
    axes = len(shapes[node.name])
    source, before = _source(node, roles, axes)
    operation = _operation(module, node)
    if axes == 1:
        return CHANNEL
    if operation.startswith(_GRID_OPS):
        found = CHANNEL + ROW + COLUMN
    elif operation.startswith(_PERMUTING):
        found = _permuted(before, _dimensions(module, node), swap=operation == "transpose")
    elif operation.startswith(_RESHAPING):
        found = _reshaped(before, shapes.get(source, ()), shapes[node.name])
    elif operation.startswith(_REDUCING) and axes < len(before):
        found = _reduced(before, _dimensions(module, node))
    elif operation == "getitem" and source in shapes:
        found = _indexed(before, node.args[1])
    elif operation in {"cat", "concat"}:
        found = _led(node, before, shapes)
    elif axes == len(TOKEN + CHANNEL) and operation in _CHANNELS_LAST and LOST in before:
        found = TOKEN + CHANNEL
    else:
        found = before
    return found if len(found) == axes else LOST * axes


def _source(node: fx.Node, roles: dict[str, str], axes: int) -> tuple[str, str]:
    """The input whose roles say most about the output, and these."""
    known = [(each.name, roles[each.name]) for each in node.all_input_nodes if each.name in roles]

    def telling(source: tuple[str, str]) -> tuple[bool, bool, bool]:
        return LOST not in source[1], len(source[1]) == axes, LED in source[1]

    return max(known, key=telling, default=("", ""))


def _operation(module: fx.GraphModule, node: fx.Node) -> str:
    """The operation's name, whether a module, a function, a method or an operator does it."""
    if node.op == "call_module":
        return type(module.get_submodule(str(node.target))).__name__.lower()
    if isinstance(node.target, torch._ops.OpOverload):  # noqa: SLF001 - the type has no other name
        return str(node.target.overloadpacket.__name__)
    return str(getattr(node.target, "__name__", node.target))


def _dimensions(module: fx.GraphModule, node: fx.Node) -> tuple[int, ...]:
    """The axes that an operation names, the lane axis being 0."""
    if node.op == "call_module":
        return tuple(getattr(module.get_submodule(str(node.target)), "dims", ()))
    given = node.kwargs.get("dim", node.kwargs.get("dims", node.args[1:]))
    flat = given if isinstance(given, list | tuple) else (given,)
    if flat and isinstance(flat[0], list | tuple):
        flat = flat[0]
    return tuple(axis for axis in flat if isinstance(axis, int) and not isinstance(axis, bool))


def _permuted(before: str, order: tuple[int, ...], *, swap: bool) -> str:
    lanes_and_roles = f" {before}"
    if swap and len(order) == 2:  # noqa: PLR2004 - the two axes that change places
        swapped = list(range(len(lanes_and_roles)))
        one, other = (axis % len(swapped) for axis in order)
        swapped[one], swapped[other] = other, one
        order = tuple(swapped)
    if len(order) != len(lanes_and_roles) or order[0] != 0:
        return LOST * len(before)
    return "".join(lanes_and_roles[axis] for axis in order[1:])


def _reshaped(before: str, old: tuple[int, ...], new: tuple[int, ...]) -> str:
    """Roles of axes that are merged or split; parts of an axis have its letter in lower case."""
    roles, of_old, of_new = "", 0, 0
    while of_old < len(old) and of_new < len(new):
        first_old, first_new = of_old, of_new
        of_old, of_new = of_old + 1, of_new + 1
        while (here := math.prod(old[first_old:of_old])) != (
            there := math.prod(new[first_new:of_new])
        ):
            of_old, of_new = of_old + (here < there), of_new + (here > there)
            if of_old > len(old) or of_new > len(new):
                return LOST * len(new)
        roles += _regrouped(before[first_old:of_old], of_new - first_new)
    return roles


def _regrouped(group: str, axes: int) -> str:
    """Roles of `axes` axes that hold what the axes of `group` held."""
    if len(group) == axes == 1:
        return group
    if axes == 1:
        parts_of_one = group.upper()[0] if group.islower() and len(set(group)) == 1 else LOST
        return _MERGED.get(group, parts_of_one)
    return group.lower() * axes if len(group) == 1 else LOST * axes


def _reduced(before: str, gone: tuple[int, ...]) -> str:
    lanes_and_roles = f" {before}"
    left = {axis % len(lanes_and_roles) for axis in gone}
    return "".join(role for axis, role in enumerate(lanes_and_roles[1:], 1) if axis not in left)


def _indexed(before: str, index: object) -> str:
    if not isinstance(index, tuple) or Ellipsis in index or None in index:
        return LOST
    kept = [isinstance(each, slice) for each in index[1:]]
    kept += [True] * (len(before) - len(kept))
    return "".join(role for role, stays in zip(before, kept, strict=True) if stays)


def _led(node: fx.Node, before: str, shapes: Shapes) -> str:
    """Tokens behind one that no picture made are led by a class token."""
    members = node.args[0]
    if before != TOKEN + CHANNEL or not isinstance(members, list | tuple):
        return before
    made = [each.name in shapes for each in members if isinstance(each, fx.Node)]
    tokens = sum(
        shapes[each.name][0]
        for each in members
        if isinstance(each, fx.Node) and each.name in shapes
    )
    added = shapes.get(node.name, (0, 0))[0] - tokens
    return LED + CHANNEL if added == 1 and not made[0] and all(made[1:]) else before
