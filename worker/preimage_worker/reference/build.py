"""From pictures to a reference set: the codes of one layer at a time, and their distances.

Codes can be large, so those of a layer lie in a temporary file and only stretches of them are in
memory; they are gone when the layer is done.
"""

import fnmatch
import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import IO, final

import numpy as np
import torch
from numpy.typing import NDArray

from preimage.v1 import model_service_pb2 as wire
from preimage_worker import spec
from preimage_worker.errors import InvalidSpecError, ReferenceSetError
from preimage_worker.inversion.distances import pairwise_distances
from preimage_worker.inversion.precision import Precision, computing
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.models import Models
from preimage_worker.reference.gather import Album
from preimage_worker.reference.sets import Reference, summarise


@final
@dataclass(frozen=True)
class Wanted:
    """A layer of a model, and the size at which its pictures shall be seen."""

    model: wire.Model
    layer: str
    height: int
    width: int


def choose(
    models: Models, names: Sequence[str], layers: Sequence[str], side: int
) -> tuple[Wanted, ...]:
    """The layers that the command names.

    Args:
        models: of the worker's catalogue.
        names: of models; none means every one that is served.
        layers: patterns such as "features.*"; none means every layer.
        side: height and width for representations of any size, in pixels.

    Raises:
        ReferenceSetError: a model cannot be used here, or no layer of it matches.
    """
    served = [each for each in models.announcements() if _takes_pictures(each)]
    return tuple(
        wanted
        for model in ([_served(models, name) for name in names] if names else served)
        for wanted in _layers(model, layers, side, strict=bool(names))
    )


def _served(models: Models, name: str) -> wire.Model:
    try:
        model = models.served(name).announcement
    except InvalidSpecError as error:
        raise ReferenceSetError(str(error)) from None
    if not _takes_pictures(model):
        raise ReferenceSetError(
            f"{name} takes {model.preprocessing.channels} channels, which no picture has."
        )
    return model


def _takes_pictures(model: wire.Model) -> bool:
    served = model.availability == wire.AVAILABILITY_SERVED
    return served and model.preprocessing.channels in {1, 3}


def _layers(
    model: wire.Model, patterns: Sequence[str], side: int, *, strict: bool
) -> Iterator[Wanted]:
    size = model.preprocessing.input_size
    height, width = (side, side) if model.preprocessing.any_size else (size.height, size.width)
    names = [layer.name for layer in model.layers]
    chosen = [
        name
        for name in names
        if not patterns or any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    ]
    if strict and not chosen:
        raise ReferenceSetError(
            f"No layer of {model.name} matches {', '.join(patterns)}; its layers are "
            f"{', '.join(names)}."
        )
    return (Wanted(model, name, height, width) for name in chosen)


def build(models: Models, wanted: Wanted, album: Album, device: torch.device) -> Reference:
    """The reference distances of one layer; raises ReferenceSetError."""
    representation = models.representation(wanted.model.name, wanted.layer)
    shape = representation.code_shape(wanted.height, wanted.width)
    with tempfile.TemporaryFile() as file:
        codes = torch.from_numpy(_room(file, len(album), math.prod(shape)))
        _encode(representation, wanted, album, device, into=codes)
        distances = pairwise_distances(codes).numpy()
    try:
        spread = summarise(distances)
    except ValueError as error:
        raise ReferenceSetError(f"{wanted.model.name}, layer {wanted.layer}: {error}.") from None
    return Reference(
        model=wanted.model.name,
        model_digest=wanted.model.digest,
        layer=wanted.layer,
        height=wanted.height,
        width=wanted.width,
        pictures=len(album),
        pictures_digest=album.digest,
        **asdict(spread),
    )


def _room(file: IO[bytes], codes: int, elements: int) -> NDArray[np.float32]:
    size_bytes = 4 * codes * elements
    try:
        # A full disk would else be found by writing into mapped memory, which ends the process.
        os.posix_fallocate(file.fileno(), 0, size_bytes)
    except OSError as error:
        raise ReferenceSetError(
            f"The codes of {codes} pictures take {size_bytes / 1e9:.1f} GB in "
            f"{tempfile.gettempdir()}, where there is no such room ({error.strerror}): free some, "
            "name another folder in TMPDIR, or take fewer pictures."
        ) from None
    return np.memmap(file, np.float32, "r+", shape=(codes, elements))


def _encode(
    representation: Representation,
    wanted: Wanted,
    album: Album,
    device: torch.device,
    *,
    into: torch.Tensor,
) -> None:
    with computing(Precision.FP32, device):
        for index in range(len(album)):
            pixels = album.pixels(index, wanted.height, wanted.width)
            into[index] = spec.encode(representation, pixels, device).flatten()
