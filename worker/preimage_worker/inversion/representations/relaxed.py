"""Networks whose silent units pass a little gradient: what the solver steps by at first.

A unit that is silent at the present picture and active in the target has the gradient zero: it
never learns that it is wanted. Here rectifiers pass a share of the gradient, the leak, through what
they silence, and max pools spread that share over all that they chose from. Codes are the network's
own, bit for bit; gradients are exact where the leak is 0. The idea is that of surrogate
gradients (Neftci, Mostafa & Zenke 2019). Other representations that choose can do alike (`Hog`).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from preimage_worker.inversion.representations.base import Representation

_RECTIFIERS = {
    functional.relu,
    functional.relu_,
    torch.relu,
    torch.relu_,
    torch.ops.aten.relu.default,
    torch.ops.aten.relu_.default,
    "relu",
    "relu_",
}
_LEAST_RECTIFIERS, _MOST_LEAK, _FULL_RECTIFIERS, _LEAK_POWER = 3, 0.5, 8, 2.5
_PLAIN_POOL_ARGUMENTS = 4  # input, kernel, stride, padding: no dilation
_POOLS = {functional.max_pool2d, torch.max_pool2d, torch.ops.aten.max_pool2d.default}


class Window(NamedTuple):
    """Of a max pool."""

    size: int | tuple[int, ...]
    stride: int | tuple[int, ...]
    padding: int | tuple[int, ...]
    ceil: bool
    """Whether a window that leaves the picture counts."""


@runtime_checkable
class Relaxable(Representation, Protocol):
    """A representation that can pass gradient through what it silences."""

    @property
    def rectifiers(self) -> int:
        """Rectifiers and max pools on the longest way to the code."""
        ...

    @property
    def leak(self) -> float:
        """The share of the gradient to pass at first, for a solver that asks for it."""
        ...

    def relaxed(self, canvas: Tensor, leak: Tensor) -> Tensor:
        """The same codes, with relaxed gradients; `leak` is `(lanes,)`, from 0 to 1."""
        ...


def relax(representation: Representation, canvas: Tensor, leak: Tensor | None) -> Tensor:
    """The codes, with relaxed gradients where a leak is given and the representation knows how.

    On a CPU, where looking costs nothing, lanes without a leak take the plain way.
    """
    plain = leak is None or (leak.device.type == "cpu" and not leak.any())
    if plain or leak is None or not isinstance(representation, Relaxable):
        return representation(canvas)
    return representation.relaxed(canvas, leak)


def first_leak(rectifiers: int) -> float:
    """The share for a network with so many rectifiers and pools in a row.

    The more, the less, as each of them adds to it. Of the shortest ways no unit is silent for long.
    """
    if rectifiers < _LEAST_RECTIFIERS:
        return 0.0
    return float(min(_MOST_LEAK, (_FULL_RECTIFIERS / rectifiers) ** _LEAK_POWER))


def rectifiers(module: fx.GraphModule) -> int:
    """On the longest way through the graph."""
    longest: dict[fx.Node, int] = {}
    for node in module.graph.nodes:
        before = max((longest[each] for each in node.all_input_nodes), default=0)
        longest[node] = before + (_kind(module, node) is not None)
    return max(longest.values(), default=0)


def relaxed(module: fx.GraphModule) -> fx.GraphModule:
    """The same graph, sharing its weights, with the leak as a second argument."""
    graph = fx.Graph()
    values: dict[fx.Node, fx.Node] = {}
    output = graph.graph_copy(module.graph, values)
    placeholder = next(node for node in graph.nodes if node.op == "placeholder")
    with graph.inserting_after(placeholder):
        leak = graph.placeholder("leak")
    graph.output(output)
    for node in list(graph.nodes):
        kind = _kind(module, node)
        if kind is not None:
            _replace(module, graph, node, kind, leak)
    graph.lint()
    return fx.GraphModule(module, graph).eval()


def _kind(module: fx.GraphModule, node: fx.Node) -> str | None:
    """What can be relaxed here: "rectifier" or "pool"."""
    if node.op == "call_module":
        called = module.get_submodule(str(node.target))
        if type(called) is nn.ReLU:
            return "rectifier"
        return "pool" if type(called) is nn.MaxPool2d and _is_plain(vars(called)) else None
    if node.op not in {"call_function", "call_method"} or not node.args:
        return None
    if node.target in _RECTIFIERS:
        return "rectifier"
    plain = len(node.args) <= _PLAIN_POOL_ARGUMENTS and _is_plain(node.kwargs)
    return "pool" if node.target in _POOLS and plain else None


def _is_plain(options: Mapping[str, Any]) -> bool:
    """Whether a max pool has windows without holes, and gives their maxima alone."""
    holes = options.get("dilation", 1) not in (1, (1, 1), [1, 1])
    return not holes and not options.get("return_indices", False)


def _replace(
    module: fx.GraphModule, graph: fx.Graph, node: fx.Node, kind: str, leak: fx.Node
) -> None:
    with graph.inserting_after(node):
        if kind == "rectifier":
            new = graph.call_function(leaky_rectifier, (node.args[0], leak))
        else:
            new = graph.call_function(leaky_pool, (node.args[0], leak, _window(module, node)))
    node.replace_all_uses_with(new)
    graph.erase_node(node)


def _window(module: fx.GraphModule, node: fx.Node) -> Window:
    if node.op == "call_module":
        called = module.get_submodule(str(node.target))
        assert isinstance(called, nn.MaxPool2d)
        return Window(called.kernel_size, called.stride, called.padding, called.ceil_mode)
    names = ("kernel_size", "stride", "padding")
    given: dict[str, Any] = {**dict(zip(names, node.args[1:], strict=False)), **node.kwargs}
    kernel = given["kernel_size"]
    stride = given.get("stride") or kernel
    return Window(kernel, stride, given.get("padding", 0), bool(given.get("ceil_mode", False)))


class _LeakyRectifier(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, leak: Tensor) -> Tensor:  # noqa: ANN401 - torch's context
        result = values.clamp(min=0)
        ctx.save_for_backward(result, leak)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401 - torch's context
        result, leak = ctx.saved_tensors
        if _is_single(leak):
            aten = torch.ops.aten
            return aten.leaky_relu_backward(
                gradient, result, float(leak), self_is_result=True
            ), None
        passed = torch.ops.aten.threshold_backward(gradient, result, 0)
        return torch.lerp(passed, gradient, _each(leak, gradient)), None


def leaky_rectifier(values: Tensor, leak: Tensor) -> Tensor:
    """max(v, 0), whose gradient is the leak's share where v ≤ 0."""
    if len(values) != len(leak):  # not lanes first any more: nothing to tell lanes apart by
        return functional.relu(values)
    result: Tensor = _LeakyRectifier.apply(values, leak)
    return result


class _LeakyPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, leak: Tensor, window: Window) -> Tensor:  # noqa: ANN401 - torch's context
        highest, places = functional.max_pool2d(
            values, *window[:3], ceil_mode=window.ceil, return_indices=True
        )
        ctx.save_for_backward(values, places, leak)
        ctx.window = window
        result: Tensor = highest
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401 - torch's context
        (values, places, leak), (*window, ceil) = ctx.saved_tensors, ctx.window
        exact = torch.ops.aten.max_pool2d_with_indices_backward(
            gradient, values, *window, 1, ceil, places
        )
        spread = torch.ops.aten.avg_pool2d_backward(
            gradient, values, *window, ceil, count_include_pad=True, divisor_override=None
        )
        weight = float(leak) if _is_single(leak) else _each(leak, exact)
        return exact.lerp_(spread, weight), None, None


def leaky_pool(values: Tensor, leak: Tensor, window: Window) -> Tensor:
    """A max pool, of whose gradient the leak's share goes to all of a window alike."""
    if len(values) != len(leak):
        return functional.max_pool2d(values, *window[:3], ceil_mode=window.ceil)
    result: Tensor = _LeakyPool.apply(values, leak, window)
    return result


def _is_single(leak: Tensor) -> bool:
    """Whether it is a number that is at hand, which spares a pass over the gradient."""
    return len(leak) == 1 and leak.device.type == "cpu"


def _each(leak: Tensor, like: Tensor) -> Tensor:
    return leak.to(like.dtype).reshape(-1, *(1,) * (like.ndim - 1))
