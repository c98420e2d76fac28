"""Which networks a catalogue can name, and how each is made.

An architecture is one entry of `networks.NETWORKS`, or names something outside this package: a
network of torchvision, an exported program, a function of the operator's. A network is made twice:
bare, to be described when the worker starts, without numbers where that is possible; and with its
weights when the first job asks for it.

Programs and functions are the operator's own code and run with the worker's rights: they come from
the catalogue, never from a request.
"""

import importlib
import zipfile
from pathlib import Path

import safetensors
import torch
import torchvision
from torch import nn
from torch.export.passes import move_to_device_pass

from preimage_worker.catalogue import IncludedWeights, ModelEntry
from preimage_worker.errors import CatalogueError, WeightsMissingError
from preimage_worker.networks import NETWORKS
from preimage_worker.weights import Source, read, torchvision_name, unknown

_CPU = torch.device("cpu")


def bare(entry: ModelEntry, source: Source | None) -> nn.Module:
    """The network for its layers and shapes; without numbers, on the meta device, where it can be.

    A program needs its `source`.

    Raises:
        CatalogueError: there is no such architecture, or it cannot be made.
    """
    if entry.scheme == "export":
        return _program(entry, source, _CPU)
    if entry.scheme == "python":
        return _call(entry, seed=0)
    try:
        with torch.device("meta"):
            return _make(entry)
    except NotImplementedError:  # it computes with tensors while it is made
        return _make(entry).to("meta")


def build(entry: ModelEntry, source: Source, device: torch.device = _CPU) -> nn.Module:
    """The network with its weights on the device, in evaluation mode and frozen.

    Raises:
        WeightsMissingError: the weights do not fit.
        CatalogueError: there is no such architecture, or it cannot be made.
    """
    if entry.scheme == "export":
        return _program(entry, source, device).requires_grad_(requires_grad=False)
    if entry.scheme == "python":
        network = _call(entry, source.seed)
    else:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(source.seed)
            network = _make(entry)
    if source.file:
        _fill(network, entry, source.file)
    return network.eval().requires_grad_(requires_grad=False).to(device)


def _make(entry: ModelEntry) -> nn.Module:
    if entry.architecture in NETWORKS:
        return NETWORKS[entry.architecture]().eval()
    try:
        return torchvision.models.get_model(torchvision_name(entry), weights=None).eval()  # type: ignore[no-any-return]
    except ValueError:
        raise unknown(entry) from None


def _program(entry: ModelEntry, source: Source | None, device: torch.device) -> nn.Module:
    assert source is not None
    assert source.file is not None
    try:
        program = torch.export.load(source.file)
    except (OSError, RuntimeError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise CatalogueError(
            f"models.{entry.name}.architecture: {source.file.name} cannot be read as a program of "
            f"torch.export ({_first_line(error)})."
        ) from None
    return move_to_device_pass(program, device).module()


def _call(entry: ModelEntry, seed: int) -> nn.Module:
    """The network that the operator's function makes."""
    path, _, function = entry.target.partition(":")
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            made = getattr(importlib.import_module(path), function)()
    except Exception as error:
        raise CatalogueError(
            f"models.{entry.name}.architecture: {entry.target} could not make its network "
            f"({type(error).__name__}: {_first_line(error)}); its package must be on PYTHONPATH."
        ) from error
    if not isinstance(made, nn.Module):
        raise CatalogueError(
            f"models.{entry.name}.architecture: {entry.target} gave a {type(made).__name__}, not a "
            "torch.nn.Module."
        )
    if isinstance(entry.weights, IncludedWeights) and any(p.is_meta for p in made.parameters()):
        raise CatalogueError(
            f"models.{entry.name}.weights: {entry.target} made a network without numbers; name a "
            "file of weights."
        )
    return made


def _fill(network: nn.Module, entry: ModelEntry, file: Path) -> None:
    try:
        network.load_state_dict(read(file))
    except (OSError, RuntimeError, safetensors.SafetensorError) as error:
        raise WeightsMissingError(
            f"The weights of {entry.name} in {file.name} do not fit {entry.architecture}: "
            f"{_first_line(error)}."
        ) from None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
