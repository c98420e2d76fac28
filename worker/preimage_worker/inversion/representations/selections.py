"""Selections of a node's output: its class token, its patch tokens, its mean over positions.

A layer "NODE:SELECTION" is the node followed by one more operation. Which selections a node has
follows from the roles of its axes; see `layouts`.
"""

import operator
from collections.abc import Callable

import torch
from torch import fx

from preimage_worker.inversion.representations.layouts import (
    CHANNEL,
    COLUMN,
    LED,
    ROW,
    TOKEN,
)

SEPARATOR = ":"
_POSITIONS = {
    CHANNEL + ROW + COLUMN: (-2, -1),
    ROW + COLUMN + CHANNEL: (-3, -2),
    TOKEN + CHANNEL: (-2,),
    LED + CHANNEL: (-2,),
}
"""Axes to pool over, by roles."""


def split(layer: str) -> tuple[str, str]:
    """A layer's name as node and selection, which is empty for the whole output."""
    node, _, selection = layer.partition(SEPARATOR)
    return node, selection


def selections(roles: str) -> tuple[str, ...]:
    """What can be selected of outputs whose axes have these roles.

    class_token: the first token, `(channels,)`, where it is one that no picture made.
    patch_tokens: the other tokens, `(tokens, channels)`.
    mean, max: over positions or tokens, the class token left out, `(channels,)`.
    """
    if roles not in _POSITIONS:
        return ()
    return (*(("class_token", "patch_tokens") if roles == LED + CHANNEL else ()), "mean", "max")


def select(graph: fx.Graph, code: fx.Node, selection: str, roles: str) -> fx.Node:
    """Puts a selection of the output `code` behind it; returns the last node of it."""
    if selection == "class_token":
        return _behind(graph, code, operator.getitem, (slice(None), 0))
    if roles == LED + CHANNEL:
        code = _behind(graph, code, operator.getitem, (slice(None), slice(1, None)))
    if selection == "patch_tokens":
        return code
    return _behind(
        graph, code, torch.mean if selection == "mean" else torch.amax, _POSITIONS[roles]
    )


def _behind(
    graph: fx.Graph, node: fx.Node, function: Callable[..., object], argument: fx.node.Argument
) -> fx.Node:
    with graph.inserting_after(node):
        return graph.call_function(function, (node, argument))


def roles_of(selection: str, roles: str) -> str:
    """Roles of the axes that a selection leaves."""
    if not selection:
        return roles
    return TOKEN + CHANNEL if selection == "patch_tokens" else CHANNEL


def selected_shape(selection: str, shape: tuple[int, ...], roles: str) -> tuple[int, ...]:
    """Shape of what a selection leaves of a code."""
    if selection == "patch_tokens":
        return shape[0] - 1, shape[1]
    return (shape[roles.index(CHANNEL)],)
