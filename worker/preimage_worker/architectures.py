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
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import safetensors
import torch
import torchvision
from torch import nn
from torch.export.passes import move_to_device_pass

from preimage_worker.catalogue import IncludedWeights, ModelEntry
from preimage_worker.errors import CatalogueError, WeightsUnfitError
from preimage_worker.names import meant
from preimage_worker.networks import NETWORKS
from preimage_worker.weights import Source, State, read, shapes, torchvision_name, unknown

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
        WeightsUnfitError: the weights do not fit.
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


def check_fit(network: nn.Module, entry: ModelEntry, file: Path) -> None:
    """Looks by names and shapes alone whether a file holds the weights of a bare network.

    Its parameters lose their numbers. What cannot be told in this way, `build` tells.

    Raises:
        WeightsUnfitError: the weights do not fit, or cannot be read.
    """
    try:
        known = shapes(file)
    except (OSError, safetensors.SafetensorError) as error:
        raise _unreadable(entry, file, error) from None
    if known is None:
        return
    device = next((each.device for each in network.parameters()), _CPU)
    # One number each, seen in the tensor's shape: a network with hooks of its own reads it too.
    state = {name: torch.zeros((), device=device).expand(size) for name, size in known.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of numbers that a network without any does not take
        try:
            network.load_state_dict(state)
        except Exception:  # noqa: BLE001 - a network's own hooks may raise anything
            if why := _differences(network, state):
                raise _unfit(entry, file, why) from None


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
        why = _first_line(error).partition(_ABOUT_LOG)[0]
        raise CatalogueError(
            f"models.{entry.name}.architecture: {source.file.name} cannot be read as a program of "
            f"torch.export ({why}); write it with torch.export.save."
        ) from None
    return move_to_device_pass(program, device).module()


def _function(entry: ModelEntry) -> Callable[[], object]:
    """The operator's function."""
    path, _, name = entry.target.partition(":")
    where = f"models.{entry.name}.architecture: {entry.target} cannot be called: "
    try:
        module = importlib.import_module(path)
    except ImportError as error:
        raise CatalogueError(
            f"{where}{path} cannot be imported ({_told(error)}); its package, and what it imports, "
            "must be on PYTHONPATH or installed."
        ) from error
    except Exception as error:
        raise CatalogueError(f"{where}the module {path} raised {_told(error)}.") from error
    function: object = getattr(module, name, None)
    if not callable(function):
        known = [each for each, value in vars(module).items() if callable(value)]
        raise CatalogueError(f"{where}{path} has no function {name!r}{meant(name, known)}.")
    return function


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
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        function = _function(entry)
        try:
            made = function()
        except Exception as error:
            raise CatalogueError(
                f"models.{entry.name}.architecture: {entry.target} could not make its network: the "
                f"function raised {_told(error)}."
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
        state = read(file)
    except (OSError, RuntimeError, safetensors.SafetensorError) as error:
        raise _unreadable(entry, file, error) from None
    # A function may leave its network without numbers: those of the file take their places.
    bare = any(each.is_meta for each in network.parameters())
    try:
        network.load_state_dict(state, assign=bare)
    except RuntimeError as error:
        why = _differences(network, state) or _first_line(error)
        raise _unfit(entry, file, why) from None


def _unreadable(entry: ModelEntry, file: Path, error: Exception) -> WeightsUnfitError:
    return WeightsUnfitError(
        f"The weights of {entry.name} cannot be read from {file.name} ({_first_line(error)}): "
        "write the network's state_dict() into it with safetensors.torch.save_file."
    )


def _unfit(entry: ModelEntry, file: Path, why: str) -> WeightsUnfitError:
    return WeightsUnfitError(
        f"The weights of {entry.name} in {file.name} do not fit {entry.architecture}: {why}; name "
        "weights and network that belong together."
    )


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


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {_first_line(error)}"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
