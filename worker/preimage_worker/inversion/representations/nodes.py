"""Tracing a model, naming its nodes as torchvision does, and cutting it behind one of them.

`create_feature_extractor` of torchvision removes what the wanted node does not need; but it keeps
whatever it takes for impure, and an in-place ReLU behind the node would overwrite the very output
that is wanted. Here every node behind the wanted one is erased before anything else, needed or not.
"""

import copy
import inspect
import math
from typing import NamedTuple, final

import torch
import torchvision
from torch import Tensor, fx, nn
from torchvision.models.feature_extraction import NodePathTracer

from preimage_worker.inversion.errors import ShapeMismatchError, UnknownNodeError

_PROBE_LANES = 3
_SUGGESTIONS = 8


class Traced(NamedTuple):
    """A traced model."""

    module: fx.GraphModule
    """Shares the model's parameters."""
    names: dict[str, fx.Node]
    """Nodes by torchvision's names, in order of execution."""


def trace(model: nn.Module) -> Traced:
    """The model's graph in eval mode; the model is frozen and put in eval mode, in place."""
    model.eval().requires_grad_(requires_grad=False)
    leaves = [
        member
        for _, member in inspect.getmembers(torchvision.ops, inspect.isclass)
        if issubclass(member, nn.Module)
    ]
    tracer = NodePathTracer(autowrap_modules=(math, torchvision.ops), leaf_modules=leaves)
    graph = tracer.trace(model)
    names = {name: node for node, name in tracer.node_to_qualname.items()}
    return Traced(fx.GraphModule(tracer.root, graph).eval(), names)


def find(names: dict[str, fx.Node], wanted: str) -> fx.Node:
    """The node of this name, or the last one inside the submodule of this name.

    Raises:
        UnknownNodeError: neither exists.
    """
    if wanted in names:
        return names[wanted]
    inside = [node for name, node in names.items() if name.startswith(f"{wanted}.")]
    if not wanted or not inside:
        sample = ", ".join(list(names)[1 : _SUGGESTIONS + 1])
        raise UnknownNodeError(
            f"The model has no node {wanted!r}; it begins with {sample}. "
            "Ask for the model's list of layers to see all of them."
        )
    return inside[-1]


def cut(traced: Traced, wanted: str) -> fx.GraphModule:
    """The part of the model that ends with the wanted node. `traced` is used up.

    Raises:
        UnknownNodeError: no such node.
    """
    graph, last = traced.module.graph, find(traced.names, wanted)
    nodes = list(graph.nodes)
    for node in reversed(nodes[nodes.index(last) + 1 :]):
        graph.erase_node(node)
    graph.output(last)
    graph.eliminate_dead_code()
    traced.module.delete_all_unused_submodules()
    traced.module.recompile()
    return traced.module


def probe(module: fx.GraphModule, size: tuple[int, int, int]) -> dict[str, tuple[int, ...]]:
    """Shapes without the lane axis of every node that gives one float tensor per picture.

    Runs on the meta device: nothing is computed and no weights are copied. Nodes that do not depend
    on the picture, or have no lane axis, are left out: they cannot be inverted.

    Args:
        module: a traced model, or a part of one.
        size: channels, height and width of the picture.

    Returns:
        By the graph's own node names (`fx.Node.name`), in order of execution.

    Raises:
        ShapeMismatchError: the model takes no pictures of this size.
    """
    prober = _Prober(_on_meta(module))
    picture = torch.zeros(_PROBE_LANES, *size, device="meta", requires_grad=True)
    try:
        prober.run(picture * 1)
    except (AssertionError, RuntimeError) as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        channels, height, width = size
        raise ShapeMismatchError(
            f"The model takes no pictures of {height}×{width} pixels with {channels} channels "
            f"({reason}); use another size."
        ) from error
    return prober.shapes


@final
class _Prober(fx.Interpreter):
    """Runs a graph and notes the shapes of what could be a code."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.shapes: dict[str, tuple[int, ...]] = {}

    def run_node(self, n: fx.Node) -> object:
        value: object = super().run_node(n)
        computed = n.op not in {"placeholder", "output"}
        if computed and isinstance(value, Tensor) and value.requires_grad:
            lanes, *shape = value.shape
            if lanes == _PROBE_LANES:
                self.shapes[n.name] = tuple(shape)
        return value


def _on_meta(module: fx.GraphModule) -> fx.GraphModule:
    """A copy whose parameters and buffers have shapes and no numbers."""
    memo: dict[int, object] = {}
    for parameter in module.parameters():
        memo[id(parameter)] = nn.Parameter(parameter.to("meta"), requires_grad=False)
    for buffer in module.buffers():
        memo[id(buffer)] = buffer.to("meta")
    return copy.deepcopy(module, memo)
