"""Exported programs (`torch.export`): checked, and their nodes named after the original modules.

A program is a graph of operators. Where it remembers the modules they come from, a node is named
like the module that it ends; where it does not, like the module whose parameters it reads, and what
reads none like its surroundings. Either way "layer1.0.conv1", "layer1" and "linear" mean what they
mean in the network that was exported.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import fx, nn

from preimage_worker.inversion.errors import ProgramError

_GUARDS = "_guards_fn"
"""The module by which a program checks its input."""
_LEAVES = "torch.nn.modules."
_CONTAINER = "torch.nn.modules.container."
_TRAINING_ARGUMENTS = {"training", "train"}
_DROPOUT = "dropout_p"
"""How attention says that it drops out."""
_PICTURE_AXES = 4


class Traced(NamedTuple):
    """A traced model. Never changed: `cut` copies what it needs."""

    module: fx.GraphModule
    """Shares the model's parameters."""
    names: dict[str, fx.Node]
    """Nodes by torchvision's names, in order of execution."""
    modules: dict[str, str]
    """Classes of the modules by their paths: "features.0" is a "Conv2d"."""
    most_lanes: int = 2**31  # more than any device holds
    """Largest batch that the model takes."""


class _Place(NamedTuple):
    """Where a node stands in the network that was exported."""

    path: str
    """Of its module; empty for the network itself."""
    leaf: bool
    """Whether the module is one layer, whose nodes have no names of their own."""
    modules: dict[str, str]
    """Classes of the modules around it by their paths."""


def trace_program(program: fx.GraphModule) -> Traced:
    """The graph of `torch.export.load(FILE).module()`; the parameters are frozen in place.

    Raises:
        ProgramError: it takes something else than pictures, its batch is fixed, or it is random.
    """
    lanes = _check_input(program)
    for node in _operators(program):
        _check_operator(node)
    program.requires_grad_(requires_grad=False)
    guards = getattr(program, _GUARDS, None)
    if isinstance(guards, nn.Module):
        guards._is_impure = True  # type: ignore[assignment]  # noqa: SLF001 - torch.fx reads it, and then keeps the node
    names, modules = _name(program)
    return Traced(program, names, modules, lanes)


def _operators(program: fx.GraphModule) -> list[fx.Node]:
    return [node for node in program.graph.nodes if node.op == "call_function"]


def _check_input(program: fx.GraphModule) -> int:
    """The largest batch that it takes."""
    inputs = [node for node in program.graph.nodes if node.op == "placeholder"]
    if len(inputs) != 1:
        names = ", ".join(str(node.target) for node in inputs)
        raise ProgramError(
            f"The program has {len(inputs)} inputs ({names}); export one that takes pictures alone."
        )
    picture = inputs[0].meta.get("val")
    if not isinstance(picture, torch.Tensor) or picture.ndim != _PICTURE_AXES:
        raise ProgramError(
            "The program takes no pictures; export one whose input is (lanes, channels, height, "
            "width)."
        )
    lanes: object = picture.shape[0]
    if not isinstance(lanes, torch.SymInt):
        raise ProgramError(
            f"The program's batch is fixed at {lanes}; export it with "
            'dynamic_shapes=({0: torch.export.Dim("lanes", min=1, max=256)},).'
        )
    ranges = lanes.node.shape_env
    most = ranges.bound_sympy(lanes.node.expr).upper if ranges else None
    return int(most) if most is not None and most.is_Integer else Traced.most_lanes


def _check_operator(node: fx.Node) -> None:
    if not isinstance(node.target, torch._ops.OpOverload):  # noqa: SLF001 - the type has no other name
        return
    parameters = node.target._schema.arguments  # noqa: SLF001 - the only way to them
    given = dict(zip((each.name for each in parameters), node.args, strict=False)) | node.kwargs
    switches = [given.get(name) for name in _TRAINING_ARGUMENTS]
    if any(each.name == _DROPOUT for each in parameters):
        random = bool(given.get(_DROPOUT))
    else:
        random = torch.Tag.nondeterministic_seeded in node.target.tags and False not in switches
    if True in switches or random:
        raise ProgramError(
            f"The program is in training mode or random (operator {node.target} at {node.name}); "
            "call eval() on the network before torch.export."
        )


def _name(program: fx.GraphModule) -> tuple[dict[str, fx.Node], dict[str, str]]:
    names: dict[str, fx.Node] = {}
    modules: dict[str, str] = {}
    before: tuple[fx.Node, str] | None = None
    for node, place in _places(program):
        modules |= place.modules
        if place.leaf and before is not None and before[1] == place.path:
            name = next(reversed(names))
            del names[name]  # the module's last node stands for it
        else:
            operator = _operator_name(node)
            own = place.path if place.leaf else ".".join(filter(None, (place.path, operator)))
            name = _unused(own, names)
        names[name] = node
        before = (node, place.path) if place.leaf else None
    return names, modules


def _operator_name(node: fx.Node) -> str:
    """What it computes; in place or not is the same."""
    if isinstance(node.target, torch._ops.OpOverload):  # noqa: SLF001 - the type has no other name
        return str(node.target.overloadpacket.__name__).removesuffix("_")
    return str(getattr(node.target, "__name__", node.target))


def _unused(name: str, names: dict[str, fx.Node]) -> str:
    """The name, with a number behind it where it is taken, as torchvision counts."""
    number, free = 0, name
    while free in names:
        number += 1
        free = f"{name}_{number}"
    return free


def _places(program: fx.GraphModule) -> Iterator[tuple[fx.Node, _Place]]:
    """Where each operator stands: as the program remembers, or as its neighbours suggest."""
    nodes = _operators(program)
    owners = [_owner(node) for node in nodes]
    before: tuple[str, object] = ("", None)
    for index, node in enumerate(nodes):
        remembered = _remembered(node)
        if remembered is not None:
            yield node, remembered
        elif owners[index]:
            before = owners[index], _shape(node)
            yield node, _guessed(owners[index], {owners[index]: _operator_name(node)})
        else:
            around, shape = before
            if shape != _shape(node):
                around = _common(around, next(filter(None, owners[index:]), ""))
            else:
                around = around.rpartition(".")[0]
            yield node, _guessed(around, {})


def _remembered(node: fx.Node) -> _Place | None:
    stack = [each for each in node.meta.get("nn_module_stack", {}).values() if len(each) == 2]  # noqa: PLR2004 - path and class
    if not stack:
        return None
    classes = {path.partition("@")[0]: _class_name(kind) for path, kind in stack}
    path, kind = next(reversed(classes.items()))
    leaf = kind.startswith(_LEAVES) and not kind.startswith(_CONTAINER)
    return _Place(path, leaf, {each: classes[each].rpartition(".")[2] for each in classes if each})


def _class_name(kind: object) -> str:
    return f"{kind.__module__}.{kind.__qualname__}" if isinstance(kind, type) else str(kind)


def _owner(node: fx.Node) -> str:
    """The module whose parameters an operator reads; empty where it reads none."""
    owners = {
        str(each.target).rpartition(".")[0]
        for each in node.all_input_nodes
        if each.op == "get_attr"
    }
    return owners.pop() if len(owners) == 1 else ""


def _guessed(path: str, own: dict[str, str]) -> _Place:
    names = path.split(".")
    outer = [".".join(names[:end]) for end in range(1, len(names) + 1)] if path else []
    return _Place(path, bool(own), dict.fromkeys(outer, "Module") | own)


def _shape(node: fx.Node) -> object:
    value = node.meta.get("val")
    return tuple(value.shape[1:]) if isinstance(value, torch.Tensor) else None


def _common(one: str, other: str) -> str:
    """The innermost module around two modules."""
    shared: list[str] = []
    for mine, theirs in zip(one.split(".")[:-1], other.split(".")[:-1], strict=False):
        if mine != theirs:
            break
        shared.append(mine)
    return ".".join(shared)
