"""Which networks a catalogue can name, and how each is made.

An architecture is one entry of `networks.NETWORKS`, or names something outside this package: a
network of torchvision, an exported program, a function of the operator's. A network is made twice:
bare, to be described when the worker starts, without numbers where that is possible; and with its
weights when the first job asks for it.

Programs and functions are the operator's own code and run with the worker's rights: they come from
the catalogue, never from a request.
"""

import importlib
import logging
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import safetensors
import torch
import torchvision
from torch import nn
from torch.export.passes import move_to_device_pass

from preimage_worker.catalogue import IncludedWeights, ModelEntry
from preimage_worker.errors import CatalogueError, WeightsMissingError
from preimage_worker.networks import NETWORKS
from preimage_worker.weights import Source, State, read, torchvision_name, unknown

_CPU = torch.device("cpu")
_ABOUT_LOG = ". Please check the warnings above"
"""How torch refers to what it logs when it cannot load a program."""
_SHOWN = 3
"""How many parameters a sentence names."""


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
        with _quiet("torch.export"):
            program = torch.export.load(source.file)
    except (OSError, RuntimeError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise CatalogueError(
            f"models.{entry.name}.architecture: {source.file.name} cannot be read as a program of "
            f"torch.export ({_first_line(error).partition(_ABOUT_LOG)[0]})."
        ) from None
    return move_to_device_pass(program, device).module()


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Without what a logger warns of: the traceback of what is raised, and said in a sentence."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


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
    state: State | None = None
    try:
        state = read(file)
        network.load_state_dict(state)
    except (OSError, RuntimeError, safetensors.SafetensorError) as error:
        why = _first_line(error)
        if state is not None:
            why = _differences(network, state) or why
        raise WeightsMissingError(
            f"The weights of {entry.name} in {file.name} do not fit {entry.architecture}: {why}."
        ) from None


def _differences(network: nn.Module, state: State) -> str:
    """Which parameters keep a state from being the network's; empty if these are not the reason."""
    try:
        own = _shapes(network.state_dict())
        shapes = _shapes(state)
        other = [name for name in shapes if name in own and shapes[name] != own[name]]
        rest = {name: value for name, value in state.items() if name not in other}
        keys = network.load_state_dict(rest, strict=False)
    except RuntimeError:  # the network reads its state in a way of its own
        return ""
    missing = [name for name in keys.missing_keys if name not in other]
    reshaped = [f"{name} {shapes[name]} instead of {own[name]}" for name in other]
    kinds = {"missing": missing, "unexpected": keys.unexpected_keys, "of another shape": reshaped}
    return "; ".join(_listed(words, kind) for kind, words in kinds.items() if words)


def _shapes(state: Mapping[str, object]) -> dict[str, tuple[int, ...]]:
    """Of its tensors; a network can keep other things beside them."""
    return {
        name: tuple(value.shape) for name, value in state.items() if isinstance(value, torch.Tensor)
    }


def _listed(words: Sequence[str], kind: str) -> str:
    more = ", …" if len(words) > _SHOWN else ""
    count = "1 parameter is" if len(words) == 1 else f"{len(words)} parameters are"
    return f"{count} {kind} ({', '.join(words[:_SHOWN])}{more})"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
