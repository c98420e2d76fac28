"""Finding a traced model's nodes by name, and cutting the model behind some of them.

`create_feature_extractor` of torchvision removes what the wanted node does not need; but it keeps
whatever it takes for impure, and an in-place ReLU behind the node would overwrite the very output
that is wanted. Here every node behind the wanted one is erased before anything else, needed or not.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, final

import torch
from torch import Tensor, fx, nn

from preimage_worker.inversion.errors import (
    ChannelMismatchError,
    ShapeMismatchError,
    UnknownNodeError,
)
from preimage_worker.inversion.representations.programs import Traced
from preimage_worker.inversion.representations.selections import select, selections, split

_PROBE_LANES = 3
_USUAL_CHANNELS = (3, 1)
_KERNEL_AXES = 4
"""Of a convolution: its second is the channels that it takes."""
_REFUSALS = (AssertionError, RuntimeError)
"""How models say that they do not take a picture."""
_SUGGESTIONS = 8


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


class Cut(NamedTuple):
    """A part of a model."""

    module: fx.GraphModule
    """Gives the code; shares the model's parameters."""
    nodes: tuple[str, ...]
    """The graph's own names of the wanted nodes."""


def cut(traced: Traced, wanted: Sequence[str], roles: Mapping[str, str]) -> Cut:
    """The part of the model that ends with the deepest of the wanted nodes.

    It gives the output of one wanted node as it is, of several one vector: each output flattened,
    in the order of `wanted`.

    Args:
        traced: the model.
        wanted: nodes, or selections "NODE:SELECTION" of their outputs.
        roles: of the axes of the model's nodes, by graph names, for selections; see `layouts`.

    Raises:
        UnknownNodeError: no such node, or it has no such selection.
    """
    last = [find(traced.names, split(name)[0]) for name in wanted]
    graph, copies = fx.Graph(), dict[fx.Node, fx.Node]()
    for node in _until(traced.module.graph, last):
        copies[node] = graph.node_copy(node, lambda each: copies[each])
    codes = [
        _selected(graph, copies[node], name, roles.get(node.name, ""))
        for name, node in zip(wanted, last, strict=True)
    ]
    graph.output(codes[0] if len(codes) == 1 else _joined(graph, codes))
    module = fx.GraphModule(traced.module, graph).eval()
    module.graph.eliminate_dead_code()
    module.delete_all_unused_submodules()
    module.recompile()
    return Cut(module, tuple(node.name for node in codes))


def _selected(graph: fx.Graph, code: fx.Node, name: str, roles: str) -> fx.Node:
    selection = split(name)[1]
    if not selection:
        return code
    if selection not in selections(roles):
        raise UnknownNodeError(
            f"The code of {split(name)[0]!r} has no selection {selection!r}; it has "
            f"{', '.join(selections(roles)) or 'none'}."
        )
    return select(graph, code, selection, roles)


def _until(graph: fx.Graph, last: Sequence[fx.Node]) -> list[fx.Node]:
    nodes = list(graph.nodes)
    return nodes[: 1 + max(nodes.index(node) for node in last)]


def _joined(graph: fx.Graph, codes: Sequence[fx.Node]) -> fx.Node:
    """One vector of all codes, each copied where it is made: what follows may write into it."""
    flat = []
    for code in codes:
        with graph.inserting_after(code):
            flat.append(graph.call_function(_flat_copy, (code,)))
    return graph.call_function(torch.cat, (flat, 1))


def _flat_copy(code: Tensor) -> Tensor:
    return code.clone(memory_format=torch.contiguous_format).flatten(1)


def probe(
    module: fx.GraphModule, size: tuple[int, int, int], usual: tuple[int, int] | None = None
) -> dict[str, tuple[int, ...]]:
    """Shapes without the lane axis of every node that gives one float tensor per picture.

    Runs on the meta device: nothing is computed and no weights are copied. Nodes that do not depend
    on the picture, or have no lane axis, are left out: they cannot be inverted.

    Args:
        module: a traced model, or a part of one.
        size: channels, height and width of the picture.
        usual: height and width that the model is known to take with these channels, for the
            sentence that says what else to use.

    Returns:
        By the graph's own node names (`fx.Node.name`), in order of execution.

    Raises:
        ChannelMismatchError: the model takes pictures of this size with other channels.
        ShapeMismatchError: the model takes no pictures of this size.
    """
    bare = _on_meta(module)
    try:
        return _shapes(bare, size)
    except _REFUSALS as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        channels, height, width = size
        what = (
            f"The model takes no pictures of {height}×{width} pixels with "
            f"{channels} channel{'' if channels == 1 else 's'} ({reason})"
        )
        if usual:
            known = "{}×{}".format(*usual)
            sentence = f"{what}; use {known}, the size that its entry in the catalogue states."
            raise ShapeMismatchError(sentence) from error
        raise _misfit(bare, size, what) from error


def _shapes(bare: fx.GraphModule, size: tuple[int, int, int]) -> dict[str, tuple[int, ...]]:
    """As `probe`, of a model on the meta device; raises whatever the model does."""
    prober = _Prober(bare)
    prober.run(torch.zeros(_PROBE_LANES, *size, device="meta", requires_grad=True) * 1)
    return prober.shapes


def _misfit(bare: fx.GraphModule, size: tuple[int, int, int], what: str) -> ShapeMismatchError:
    """What to do about pictures that a model does not take, as far as its weights tell."""
    channels, *sides = size
    kernels = [each.shape[1] for each in bare.parameters() if each.ndim == _KERNEL_AXES]
    for other in dict.fromkeys((*kernels[:1], *_USUAL_CHANNELS)):
        if other != channels and _takes(bare, (other, sides[0], sides[1])):
            numbers = "one number each" if other == 1 else f"{other} numbers each, one a channel"
            return ChannelMismatchError(f"{what}, but with {other}: give mean and std {numbers}.")
    if kernels[:1] == [channels]:
        return ShapeMismatchError(f"{what}; use another size.")
    return ShapeMismatchError(
        f"{what}; use another size, or give mean and std one number for each channel that the "
        "network takes."
    )


def _takes(bare: fx.GraphModule, size: tuple[int, int, int]) -> bool:
    try:
        _shapes(bare, size)
    except _REFUSALS:
        return False
    return True


@final
class _Prober(fx.Interpreter):
    """Runs a graph and notes the shapes of what could be a code."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.shapes: dict[str, tuple[int, ...]] = {}

    def call_function(
        self, target: fx.node.Target, args: tuple[fx.node.Argument, ...], kwargs: dict[str, Any]
    ) -> object:
        """As the graph says, but tensors that it makes itself have no numbers either."""
        if isinstance(kwargs.get("device"), torch.device | str):
            kwargs = {**kwargs, "device": "meta"}
        result: object = super().call_function(target, args, kwargs)
        return result

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
