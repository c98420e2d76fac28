"""Where the weights of a network come from.

Looked for in this order: the file that the catalogue names; a file of the model's name in
PREIMAGE_WEIGHTS_DIR; torchvision's checkpoint in the local cache. Downloading is a step of its own
(`download`), taken only for models that the operator allows: no request fetches anything. Every way
that fails ends in WeightsMissingError with one sentence that names what would help. Whether what
was found fits the network, `architectures` looks.
"""

import hashlib
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import safetensors.torch
import torch
import torchvision

from preimage_worker.catalogue import FileWeights, IncludedWeights, ModelEntry, RandomWeights
from preimage_worker.errors import CatalogueError, WeightsMissingError
from preimage_worker.networks import SOURCES

_PROBE_SECONDS = 5
"""A server of checkpoints that does not answer within this time is not there."""

State = dict[str, torch.Tensor]


@final
@dataclass(frozen=True)
class Source:
    """Weights that were found."""

    words: str
    """Where they come from, for people."""
    digest: str
    """SHA-256 of the file, of the seed's name for random weights, of the tensors for included."""
    file: Path | None
    """None for random and included weights."""
    seed: int = 0
    """Of random weights."""


def torchvision_name(entry: ModelEntry) -> str:
    """Torchvision's name of the architecture."""
    return entry.target


def find(entry: ModelEntry, folder: Path | None) -> Source:
    """Finds the weights of a network on this machine.

    Raises:
        WeightsMissingError: they are not here.
        CatalogueError: torchvision has no such architecture.
    """
    if isinstance(entry.weights, RandomWeights):
        seed = entry.weights.seed
        words = f"random, seed {seed}"
        return Source(words, hashlib.sha256(words.encode()).hexdigest(), None, seed)
    if isinstance(entry.weights, IncludedWeights):
        return Source(f"those that {entry.target} makes", "", None)
    if isinstance(entry.weights, FileWeights):
        return _named_file(entry, entry.weights, folder)
    for file in _candidates(entry, folder):
        if file.is_file():
            return Source(file.name, _sha256(file), file)
    raise WeightsMissingError(_how_to_provide(entry))


def _named_file(entry: ModelEntry, weights: FileWeights, folder: Path | None) -> Source:
    what, where_named = (
        ("program", "sha256") if entry.scheme == "export" else ("weights", "weights.sha256")
    )
    are = "is" if what == "program" else "are"
    file = (folder or Path()) / weights.file
    if not file.is_file():
        where = (
            f"PREIMAGE_WEIGHTS_DIR={folder}" if folder else "PREIMAGE_WEIGHTS_DIR, which is unset"
        )
        hint = f"; {SOURCES[entry.architecture]}" if entry.architecture in SOURCES else ""
        raise WeightsMissingError(
            f"The {what} of {entry.name} {are} not here: {weights.file} is not in {where}{hint}."
        )
    digest = _sha256(file)
    if weights.sha256 and weights.sha256 != digest:
        raise WeightsMissingError(
            f"The {what} of {entry.name} {are} not what the catalogue names: {file.name} has "
            f"SHA-256 {digest}, and models.{entry.name}.{where_named} asks for {weights.sha256}."
        )
    return Source(file.name, digest, file)


def _candidates(entry: ModelEntry, folder: Path | None) -> list[Path]:
    name = torchvision_name(entry)
    stems = dict.fromkeys([entry.name, name, f"{name}_imagenet"])
    local = [folder / f"{stem}.safetensors" for stem in stems] if folder else []
    return [*local, _cached_checkpoint(entry)]


def _cached_checkpoint(entry: ModelEntry) -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(_checkpoint_url(entry)).name


def _checkpoint_url(entry: ModelEntry) -> str:
    try:
        choices = torchvision.models.get_model_weights(torchvision_name(entry))
    except ValueError:
        raise unknown(entry) from None
    return str(choices.DEFAULT.url)


def _how_to_provide(entry: ModelEntry) -> str:
    return (
        f"The weights of {entry.name} are not on this machine: put "
        f"{torchvision_name(entry)}.safetensors into the folder that PREIMAGE_WEIGHTS_DIR names, "
        f"or set PREIMAGE_DOWNLOAD_MODELS={entry.name} where downloads are possible."
    )


def download(entry: ModelEntry) -> Source:
    """Downloads torchvision's checkpoint into torch's cache; raises WeightsMissingError."""
    url, file = _checkpoint_url(entry), _cached_checkpoint(entry)
    try:
        # Ask first: torch's own download has no time limit and hangs where nothing answers.
        with urllib.request.urlopen(url, timeout=_PROBE_SECONDS):  # noqa: S310 - torchvision's
            pass
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(file), _hash_prefix(file), progress=False)
    except (OSError, RuntimeError, urllib.error.URLError) as error:
        reason = getattr(error, "reason", error)
        raise WeightsMissingError(
            f"The weights of {entry.name} could not be downloaded ({reason}): put "
            f"{torchvision_name(entry)}.safetensors into the folder that PREIMAGE_WEIGHTS_DIR "
            "names."
        ) from None
    return Source(file.name, _sha256(file), file)


def _hash_prefix(file: Path) -> str | None:
    """The start of the SHA-256, which torchvision writes into a checkpoint's name."""
    return file.stem.rpartition("-")[2] or None


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def unknown(entry: ModelEntry) -> CatalogueError:
    """What is said of an architecture that torchvision does not have."""
    return CatalogueError(
        f"models.{entry.name}.architecture: torchvision has no model {torchvision_name(entry)!r}."
    )


def with_digest(source: Source, module: torch.nn.Module) -> Source:
    """The source with the digest of all tensors of a network, for weights without a file."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        raw = tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy()
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(raw.tobytes())
    return replace(source, digest=digest.hexdigest())


def shapes(file: Path) -> dict[str, torch.Size] | None:
    """Shapes of the tensors in a file by their names, without reading them; None: not to be had.

    Raises:
        OSError, safetensors.SafetensorError: the file cannot be read.
    """
    if file.suffix == ".safetensors":
        with safetensors.safe_open(file, "pt") as opened:
            return {name: torch.Size(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118 - it is no mapping
    try:
        state: Any = torch.load(file, map_location="meta", weights_only=True, mmap=True)
        return {name: tensor.shape for name, tensor in state.items()}
    except Exception:  # noqa: BLE001 - an old checkpoint opens only as a whole; the first job tells
        return None


def read(file: Path) -> State:
    """The tensors of a safetensors file or of a checkpoint that holds nothing else."""
    if file.suffix == ".safetensors":
        return safetensors.torch.load_file(file)
    state: Any = torch.load(file, map_location="cpu", weights_only=True)
    return dict(state)
