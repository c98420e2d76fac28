"""Tracing a network and naming its nodes as torchvision does.

What does not depend on a picture's numbers is a graph; `nodes` cuts it. Networks are traced here,
exported programs are graphs already and get their names in `programs`.
"""

import inspect
import math
import operator

import torchvision
from torch import fx, nn
from torchvision.models.feature_extraction import NodePathTracer

from preimage_worker.inversion.errors import UntraceableError
from preimage_worker.inversion.representations.programs import Traced, trace_program


def trace(model: nn.Module) -> Traced:
    """The model's graph in eval mode; the model is frozen and put in eval mode, in place.

    Raises:
        ProgramError: an exported program that cannot be inverted.
        UntraceableError: what the model does depends on the pictures' numbers.
    """
    if isinstance(model, fx.GraphModule):
        return trace_program(model)
    model.eval().requires_grad_(requires_grad=False)
    leaves = [
        member
        for _, member in inspect.getmembers(torchvision.ops, inspect.isclass)
        if issubclass(member, nn.Module)
    ]
    tracer = NodePathTracer(autowrap_modules=(math, torchvision.ops), leaf_modules=leaves)
    try:
        graph = tracer.trace(model)
    except Exception as error:  # the model's own code runs here, on pictures that have no numbers
        raise UntraceableError(
            f"The network {type(model).__name__} cannot be traced "
            f"({' '.join(str(error).split())}); save it with torch.export and serve the program."
        ) from error
    names = _with_first_outputs({name: node for node, name in tracer.node_to_qualname.items()})
    modules = {path: type(module).__name__ for path, module in model.named_modules() if path}
    return Traced(fx.GraphModule(tracer.root, graph).eval(), names, modules)


def _with_first_outputs(names: dict[str, fx.Node]) -> dict[str, fx.Node]:
    """Where a module gives several outputs its name stands for the first: attention's own output.

    So "self_attention" names what the module of that name gives, and not "getitem" beside it.
    """
    known = {node: name for name, node in names.items()}
    renamed: dict[str, fx.Node] = {}
    for name, node in names.items():
        source = node.args[0] if node.target is operator.getitem else None
        several = isinstance(source, fx.Node) and source.op == "call_module"
        if several and isinstance(source, fx.Node) and node.args[1] == 0:
            del renamed[known[source]]
            renamed[known[source]] = node
        else:
            renamed[name] = node
    return renamed
