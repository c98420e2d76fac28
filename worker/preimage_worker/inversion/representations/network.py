"""Any node of a torchvision model, by torchvision's name for it.

The network is cut behind the node, so a shallow code costs a shallow pass. Its preprocessing is
folded into the canvas: with the mean in grey levels taken off, normalising is one multiplication.
"""

from dataclasses import dataclass, field
from typing import final

import torch
from torch import Tensor, fx, nn

from preimage_worker.inversion.errors import UnknownNodeError
from preimage_worker.inversion.representations.nodes import cut, probe, trace

WHITE = 255.0
"""The grey level that preprocessing calls 1."""

_GRID_AXES = 3  # channels, rows, columns


def list_nodes(model: nn.Module) -> tuple[str, ...]:
    """Names of all nodes in order of execution, as torchvision's feature extraction has them.

    Not every node can be inverted: `node_shapes` says which. The model is put in eval mode and
    frozen, in place.
    """
    return tuple(trace(model).names)


def node_shapes(
    model: nn.Module, height: int, width: int, *, channels: int = 3
) -> dict[str, tuple[int, ...]]:
    """Code shape, without the lane axis, of every node that can be inverted; computes nothing.

    A node can be inverted when it gives one float tensor that depends on the picture.

    Raises:
        ShapeMismatchError: the model takes no pictures of this size.
    """
    traced = trace(model)
    found = probe(traced.module, (channels, height, width))
    return {name: found[node.name] for name, node in traced.names.items() if node.name in found}


@final
@dataclass(frozen=True, eq=False)
class NetworkRepresentation:
    """A network up to one node, over canvases in grey levels. Made by `network`."""

    model: str
    """The model's name."""
    layer: str
    """The node's name."""
    mean: tuple[float, ...]
    """Per channel, in grey levels."""
    module: fx.GraphModule
    """The part of the model that ends with the node; takes normalised pictures."""
    scale: Tensor
    """1 / (255 · std), `(channels, 1, 1)`: what normalising comes to on canvases."""
    _facts: dict[tuple[int, int], tuple[tuple[int, ...], float]] = field(
        default_factory=dict, init=False
    )

    @property
    def channels(self) -> int:
        """As many as the preprocessing has means."""
        return len(self.mean)

    def stride(self, height: int, width: int) -> float:
        """Height over the rows of the last grid on the way to the code.

        That is the code's own grid for a feature map; for a fully connected layer, a pooled vector
        or tokens it is the grid that they were made from. 1 where there is none.
        """
        return self._probe(height, width)[1]

    def code_shape(self, height: int, width: int) -> tuple[int, ...]:
        """Shape of one code.

        Raises:
            ShapeMismatchError: the model takes no pictures of this size.
            UnknownNodeError: the node's output is not a code that can be inverted.
        """
        return self._probe(height, width)[0]

    def __call__(self, canvas: Tensor) -> Tensor:
        """The node's output for `(lanes, channels, height, width)`, on the weights' device."""
        code: Tensor = self.module(canvas * self.scale)
        return code

    def _probe(self, height: int, width: int) -> tuple[tuple[int, ...], float]:
        """Code shape and stride, computed once for each size."""
        if (height, width) not in self._facts:
            found = probe(self.module, (self.channels, height, width))
            output = self.module.graph.output_node().args[0]
            code = found.get(output.name) if isinstance(output, fx.Node) else None
            if code is None:
                raise UnknownNodeError(
                    f"Node {self.layer!r} of {self.model} does not give one float tensor that "
                    "depends on the picture; choose a layer from the model's list."
                )
            grids = [s for s in found.values() if len(s) == _GRID_AXES and min(s[1:]) > 1]
            self._facts[height, width] = code, height / grids[-1][1] if grids else 1.0
        return self._facts[height, width]


def network(
    model: nn.Module, node: str, *, name: str, mean: tuple[float, ...], std: tuple[float, ...]
) -> NetworkRepresentation:
    """The representation that ends behind `node`; everything after it is cut away.

    Args:
        model: a torchvision classification model on the device where it shall run. It is put in
            eval mode and frozen, in place; its weights are shared, not copied.
        node: a name from `list_nodes`, or a submodule's name for the last node inside it.
        name: the model's name ("alexnet"); presets look their tables up by it.
        mean: per channel, on the 0..1 scale of the model's preprocessing.
        std: the same.

    Raises:
        UnknownNodeError: no such node.
    """
    module = cut(trace(model), node)
    like = next(module.parameters(), torch.empty(0))
    return NetworkRepresentation(
        model=name,
        layer=node,
        mean=tuple(WHITE * level for level in mean),
        module=module,
        scale=1 / (WHITE * torch.tensor(std, device=like.device)[:, None, None]),
    )
