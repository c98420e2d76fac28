"""All layers of a network: their names, shapes and layouts, found in one look at its graph."""

from typing import NamedTuple

from torch import nn

from preimage_worker.inversion.representations.layouts import (
    Layout,
    follow,
    grid_rows,
    layout_of,
)
from preimage_worker.inversion.representations.nodes import probe
from preimage_worker.inversion.representations.programs import Traced
from preimage_worker.inversion.representations.selections import (
    SEPARATOR,
    roles_of,
    selected_shape,
    selections,
)
from preimage_worker.inversion.representations.tracing import trace


class Survey(NamedTuple):
    """A traced network and what its nodes give for pictures of one size."""

    traced: Traced
    channels: int
    """Of the pictures."""
    height: int
    """In pixels."""
    width: int
    """In pixels."""
    shapes: dict[str, tuple[int, ...]]
    """Without the lane axis, by graph names, of the nodes that can be inverted."""
    roles: dict[str, str]
    """Of the axes of the same nodes; see `layouts`."""
    channels_last: bool = False
    """Whether pictures and weights lie in memory with the channels last; see `order`."""


class Layer(NamedTuple):
    """A place where a network can be cut."""

    name: str
    """Of a node, of a module for its last node, or "NODE:SELECTION"."""
    kind: str
    """The class of a module, the name of a function, or the selection."""
    shape: tuple[int, ...]
    """Of its code."""
    layout: Layout
    """What the axes of its code are."""
    stride: int
    """Pixels between neighbouring positions of a spatial code, else 1."""
    composite: bool
    """Whether it is named after a module of several nodes."""


def survey(model: nn.Module, height: int, width: int, *, channels: int = 3) -> Survey:
    """Traces a network and follows a picture through it; computes nothing.

    The model is put in eval mode and frozen, in place.

    Raises:
        ChannelMismatchError: the model takes pictures of this size with other channels.
        ShapeMismatchError: the model takes no pictures of this size.
    """
    traced = trace(model)
    shapes = probe(traced.module, (channels, height, width))
    roles = follow(traced.module, shapes)
    return Survey(traced, channels, height, width, shapes, roles)


def list_nodes(model: nn.Module) -> tuple[str, ...]:
    """Names of all nodes in order of execution, as torchvision's feature extraction has them.

    Not every node can be inverted: `survey` says which. The model is put in eval mode and frozen,
    in place.
    """
    return tuple(trace(model).names)


def layers(surveyed: Survey) -> list[Layer]:
    """Every layer that can be inverted, from the input to the output.

    A node can be inverted when it gives one float tensor that depends on the picture. Behind the
    last node of every composite module comes the module itself, so "features.5" names what the Fire
    module of that name gives, whatever its last node is called.
    """
    found: list[Layer] = []
    ends = _ends(surveyed)
    for name, node in surveyed.traced.names.items():
        if node.name in surveyed.shapes:
            found.extend(_layers_of(surveyed, name, node.name, composite=False))
            for module in ends.get(name, []):
                found.extend(_layers_of(surveyed, module, node.name, composite=True))
    return found


def _ends(surveyed: Survey) -> dict[str, list[str]]:
    """Composite modules, innermost first, by the last node inside them."""
    ends: dict[str, list[str]] = {}
    names = surveyed.traced.names
    for module in surveyed.traced.modules:
        inside = [node for node in names if node.startswith(f"{module}.")]
        if inside and module not in names:
            ends.setdefault(inside[-1], []).insert(0, module)
    return ends


def _layers_of(surveyed: Survey, name: str, node: str, *, composite: bool) -> list[Layer]:
    """The layer of this name, which reads this node of the graph, and its selections."""
    shape, roles = surveyed.shapes[node], surveyed.roles[node]
    kind = surveyed.traced.modules.get(name) or name.rpartition(".")[2].split("_")[0]
    rows = grid_rows(shape, roles)
    stride = round(surveyed.height / rows) if rows else 1
    whole = Layer(name, kind, shape, layout_of(roles), stride, composite)
    return [
        whole,
        *(
            Layer(
                f"{name}{SEPARATOR}{selection}",
                selection,
                selected_shape(selection, shape, roles),
                layout_of(roles_of(selection, roles)),
                stride=1,
                composite=composite,
            )
            for selection in selections(roles)
        ),
    ]
