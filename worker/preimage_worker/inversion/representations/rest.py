"""What a network does behind a node, as a function of that node's output alone."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, fx

from preimage_worker.inversion.representations.nodes import find
from preimage_worker.inversion.representations.programs import Traced
from preimage_worker.inversion.representations.selections import split


@final
@dataclass(frozen=True, eq=False)
class Rest:
    """The part of a network between two nodes. Made by `rest`."""

    module: fx.GraphModule
    """Shares the network's parameters."""

    def __call__(self, codes: Tensor) -> Tensor:
        """The later node's output for outputs `(lanes, …)` of the earlier one."""
        # One at a time: an exported program may take a few lanes only. A copy: the part may begin
        # with what writes into its input.
        return torch.cat([self.module(code[None].clone()) for code in codes])


def rest(traced: Traced, layer: str, end: str) -> Rest | None:
    """The network from a layer's code to the node `end`.

    None where that needs more of the picture than the code (an earlier node, such as the shortcut
    around it, or its size), where `end` comes before the layer, and for selections, which leave
    something out.

    Raises:
        UnknownNodeError: no such node.
    """
    node, selection = split(layer)
    start, last = find(traced.names, node), find(traced.names, end)
    needed = _needed(start, last)
    if selection or needed is None:
        return None
    graph = fx.Graph()
    copies = {start: graph.placeholder("code")}
    for each in traced.module.graph.nodes:
        if each in needed and each is not start:
            copies[each] = graph.node_copy(each, lambda before: copies[before])
    graph.output(copies[last])
    module = fx.GraphModule(traced.module, graph).eval()
    module.delete_all_unused_submodules()
    module.recompile()
    return Rest(module)


def _needed(start: fx.Node, last: fx.Node) -> set[fx.Node] | None:
    """The nodes that `last` is computed from, given `start`; None if the picture is one."""
    needed, waiting = {start}, [last]
    while waiting:
        node = waiting.pop()
        if node not in needed:
            if node.op == "placeholder":
                return None
            needed.add(node)
            waiting.extend(node.all_input_nodes)
    return needed
