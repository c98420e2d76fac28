"""Any node of a network, or several, as a representation.

The network is cut behind the deepest node, so a shallow code costs a shallow pass. Its
preprocessing is folded into the canvas: with the mean in grey levels taken off, normalising is one
multiplication.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, final

import torch
from torch import Tensor, fx, nn

from preimage_worker.inversion.errors import UnknownNodeError
from preimage_worker.inversion.representations.layouts import follow, grid_rows
from preimage_worker.inversion.representations.nodes import cut, probe
from preimage_worker.inversion.representations.parts import Part, line_up
from preimage_worker.inversion.representations.relaxed import first_leak, rectifiers, relaxed
from preimage_worker.inversion.representations.survey import Survey
from preimage_worker.inversion.representations.tracing import trace

WHITE = 255.0
"""The grey level that the preprocessing of most networks calls 1."""


class Preprocessing(NamedTuple):
    """How grey levels become what a network takes: divided, the mean taken off, divided again."""

    mean: tuple[float, ...]
    """Per channel, of the divided values."""
    std: tuple[float, ...]
    """The same."""
    divisor: float = WHITE
    """255 for networks that take 0…1, 1 for those that take grey levels."""


class _Facts(NamedTuple):
    code: tuple[int, ...]
    stride: float
    parts: tuple[Part, ...]


@final
@dataclass(frozen=True, eq=False)
class NetworkRepresentation:
    """A network up to some nodes, over canvases in grey levels. Made by `networks`."""

    model: str
    """The model's name."""
    layers: tuple[str, ...]
    """The nodes' names."""
    mean: tuple[float, ...]
    """Per channel, in grey levels."""
    module: fx.GraphModule
    """The part of the model that ends with the deepest node; takes normalised pictures."""
    scale: Tensor
    """1 / (divisor · std), `(channels, 1, 1)`: what normalising comes to on canvases."""
    nodes: tuple[str, ...]
    """The graph's own names of the nodes."""
    most_lanes: int
    """Largest batch that the network takes at once."""
    channels_last: bool
    """Whether weights, pictures and codes lie in memory with the channels last."""
    usual: tuple[int, int] | None = None
    """Height and width of the model's survey; None: it was not surveyed."""
    _facts: dict[tuple[int, int], _Facts] = field(default_factory=dict, init=False)

    @cached_property
    def rectifiers(self) -> int:
        """Rectifiers and max pools on the longest way to the code."""
        return rectifiers(self.module)

    @property
    def leak(self) -> float:
        """By the number of rectifiers."""
        return first_leak(self.rectifiers)

    @cached_property
    def _relaxed(self) -> fx.GraphModule:
        return relaxed(self.module)

    @property
    def layer(self) -> str:
        """The node's name; of several nodes, their names with "+" between."""
        return "+".join(self.layers)

    @property
    def channels(self) -> int:
        """As many as the preprocessing has means."""
        return len(self.mean)

    def stride(self, height: int, width: int) -> float:
        """Height over the rows of the last grid on the way to the code.

        That is the code's own grid for a feature map; for a fully connected layer, a pooled vector
        or tokens it is the grid that they were made from. 1 where there is none.
        """
        return self._probe(height, width).stride

    def code_shape(self, height: int, width: int) -> tuple[int, ...]:
        """Shape of one code; of several nodes, one vector.

        Raises:
            ShapeMismatchError: the model takes no pictures of this size.
            UnknownNodeError: the node's output is not a code that can be inverted.
        """
        return self._probe(height, width).code

    def parts(self, height: int, width: int) -> tuple[Part, ...]:
        """Where each node's output lies in the flattened code; raises as `code_shape` does."""
        return self._probe(height, width).parts

    def __call__(self, canvas: Tensor) -> Tensor:
        """The code for `(lanes, channels, height, width)`, on the weights' device."""
        pictures = self._pictures(canvas)
        if len(pictures) <= self.most_lanes:
            code: Tensor = self.module(pictures)
            return code
        return torch.cat([self.module(some) for some in torch.split(pictures, self.most_lanes)])

    def relaxed(self, canvas: Tensor, leak: Tensor) -> Tensor:
        """The same codes, with gradients that pass what rectifiers silence; see `relaxed`."""
        parts = torch.split(self._pictures(canvas), self.most_lanes)
        leaks = torch.split(leak, self.most_lanes)
        return torch.cat([self._relaxed(*both) for both in zip(parts, leaks, strict=True)])

    def _pictures(self, canvas: Tensor) -> Tensor:
        """What the network takes."""
        pictures = canvas * self.scale
        if self.channels_last:
            pictures = pictures.contiguous(memory_format=torch.channels_last)
        return pictures

    def _probe(self, height: int, width: int) -> _Facts:
        """Code shape and stride, computed once for each size."""
        if (height, width) not in self._facts:
            found = probe(self.module, (self.channels, height, width), self.usual)
            pairs = zip(self.layers, self.nodes, strict=True)
            shapes = [self._shape(found, layer, node) for layer, node in pairs]
            parts = line_up(self.layers, shapes)
            code = shapes[0] if len(shapes) == 1 else (parts[-1].where.stop,)
            rows = [
                grid_rows(found[node], roles) for node, roles in follow(self.module, found).items()
            ]
            stride = next((height / each for each in reversed(rows) if each > 1), 1.0)
            self._facts[height, width] = _Facts(code, stride, parts)
        return self._facts[height, width]

    def _shape(self, found: dict[str, tuple[int, ...]], layer: str, node: str) -> tuple[int, ...]:
        if node not in found:
            raise UnknownNodeError(
                f"Node {layer!r} of {self.model} does not give one float tensor that "
                "depends on the picture; choose a layer from the model's list."
            )
        return found[node]


def networks(
    model: nn.Module | Survey, nodes: Sequence[str], *, name: str, preprocessing: Preprocessing
) -> NetworkRepresentation:
    """The representation of one or several nodes; everything behind the deepest is cut away.

    One node gives its output as it is. Several give one vector: each output flattened, in the order
    of `nodes`, from one pass to the deepest; `parts` says where each of them lies.

    Args:
        model: a network on the device where it shall run, or its survey. It is put in eval mode and
            frozen, in place; its weights are shared, not copied.
        nodes: names from `list_nodes`, or a submodule's name for the last node inside it; of a
            survey also selections, "NODE:SELECTION".
        name: the model's name ("alexnet"); presets look their tables up by it.
        preprocessing: of the network.

    Raises:
        UnknownNodeError: no such node.
    """
    if isinstance(model, Survey):
        traced, roles, channels_last = model.traced, model.roles, model.channels_last
        usual = (model.height, model.width)
    else:
        traced, roles, channels_last, usual = trace(model), {}, False, None
    part = cut(traced, nodes, roles)
    like = next(traced.module.parameters(), torch.empty(0))
    std = torch.tensor(preprocessing.std, device=like.device)[:, None, None]
    return NetworkRepresentation(
        model=name,
        layers=tuple(nodes),
        mean=tuple(preprocessing.divisor * level for level in preprocessing.mean),
        module=part.module,
        scale=1 / (preprocessing.divisor * std),
        nodes=part.nodes,
        most_lanes=traced.most_lanes,
        channels_last=channels_last,
        usual=usual,
    )


def network(
    model: nn.Module,
    node: str,
    *,
    name: str,
    mean: tuple[float, ...],
    std: tuple[float, ...],
) -> NetworkRepresentation:
    """The representation of one node of a network that takes 0…1; see `networks`."""
    return networks(model, [node], name=name, preprocessing=Preprocessing(mean, std))
