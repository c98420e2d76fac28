"""Any node of a torchvision model, by torchvision's name for it."""

from torch import nn

from preimage_worker.inversion.representations.base import Representation


def list_nodes(model: nn.Module) -> tuple[str, ...]:
    """Names of all nodes of the traced model, in order, as torchvision's feature extraction has them."""
    raise NotImplementedError


def node_shapes(model: nn.Module, height: int, width: int) -> dict[str, tuple[int, ...]]:
    """Code shape (no lane axis) of every node whose output is one float tensor; computes nothing."""
    raise NotImplementedError


def network(
    model: nn.Module,
    node: str,
    *,
    name: str,
    mean: tuple[float, ...],
    std: tuple[float, ...],
) -> Representation:
    """The representation that ends behind `node`; everything after it is cut away.

    Args:
        model: a torchvision classification model; put in eval mode and frozen, in place.
        node: a name from `list_nodes`.
        name: the model's name ("alexnet"); presets look their tables up by it.
        mean: per channel, on the 0..1 scale of the model's preprocessing.
        std: the same.

    Raises:
        UnknownNodeError: no such node, or it does not give one float tensor.
    """
    raise NotImplementedError
