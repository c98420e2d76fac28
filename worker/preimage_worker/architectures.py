"""Which networks a catalogue can name, and how each is made.

An architecture is `torchvision:NAME` or one entry of `networks.NETWORKS`. A network is made twice:
bare, without numbers, to be described when the worker starts; and with its weights when the first
job asks for it.
"""

import safetensors
import torch
import torchvision
from torch import nn

from preimage_worker.catalogue import ModelEntry
from preimage_worker.errors import WeightsMissingError
from preimage_worker.networks import NETWORKS
from preimage_worker.weights import Source, read, torchvision_name, unknown


def bare(entry: ModelEntry) -> nn.Module:
    """The network without numbers, on the meta device: for its layers and shapes.

    Raises:
        CatalogueError: there is no such architecture.
    """
    try:
        with torch.device("meta"):
            return _make(entry)
    except NotImplementedError:  # it computes with tensors while it is made
        return _make(entry).to("meta")


def build(entry: ModelEntry, source: Source) -> nn.Module:
    """The network in evaluation mode; raises WeightsMissingError if the weights do not fit."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(source.seed)
        network = _make(entry)
    if source.file:
        _fill(network, entry, source)
    return network.eval().requires_grad_(requires_grad=False)


def _make(entry: ModelEntry) -> nn.Module:
    if entry.architecture in NETWORKS:
        return NETWORKS[entry.architecture]().eval()
    name = torchvision_name(entry)
    try:
        return torchvision.models.get_model(name, weights=None).eval()  # type: ignore[no-any-return]
    except ValueError:
        raise unknown(entry) from None


def _fill(network: nn.Module, entry: ModelEntry, source: Source) -> None:
    assert source.file is not None
    try:
        network.load_state_dict(read(source.file))
    except (OSError, RuntimeError, safetensors.SafetensorError) as error:
        first = str(error).splitlines()[0]
        raise WeightsMissingError(
            f"The weights of {entry.name} in {source.file.name} do not fit "
            f"{entry.architecture}: {first}."
        ) from None
