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
from preimage_worker.inversion.errors import InversionError
from preimage_worker.inversion.precision import Precision, computing
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.models import Models
from preimage_worker.names import listed
from preimage_worker.pictures import Limits
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
    models: Models, names: Sequence[str], layers: Sequence[str], side: int, limits: Limits
) -> tuple[Wanted, ...]:
    """The layers that the command names.

    Args:
        models: of the worker's catalogue.
        names: of models; none means every one that is served.
        layers: patterns such as "features.*", each of a layer of some model; none means every
            layer.
        side: height and width for representations of any size, in pixels.
        limits: of the worker; no job looks for larger pictures.

    Raises:
        ReferenceSetError: a model cannot be used here, no layer matches a pattern, or the side is
            too short or too long for a layer.
    """
    offered = (
        [_served(models, name) for name in names]
        if names
        else [each for each in models.announcements() if _takes_pictures(each)]
    )
    for pattern in layers:
        _check_matched(offered, pattern)
    chosen = tuple(wanted for model in offered for wanted in _layers(model, layers, side))
    for wanted in chosen:
        if wanted.model.preprocessing.any_size:
            _check_side(models, wanted, side, limits)
    return chosen


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


def _layers(model: wire.Model, patterns: Sequence[str], side: int) -> Iterator[Wanted]:
    size = model.preprocessing.input_size
    height, width = (side, side) if model.preprocessing.any_size else (size.height, size.width)
    for layer in model.layers:
        if not patterns or any(fnmatch.fnmatchcase(layer.name, each) for each in patterns):
            yield Wanted(model, layer.name, height, width)


def _check_matched(offered: Sequence[wire.Model], pattern: str) -> None:
    if any(fnmatch.fnmatchcase(layer.name, pattern) for each in offered for layer in each.layers):
        return
    names = " or ".join(each.name for each in offered)
    known = (
        f"its layers are {listed(layer.name for layer in offered[0].layers)}"
        if len(offered) == 1
        else "`preimage models NAME` lists the layers of each"
    )
    raise ReferenceSetError(f"No layer of {names} matches {pattern}; {known}.")


def _check_side(models: Models, wanted: Wanted, side: int, limits: Limits) -> None:
    if side**2 > limits.sought:
        raise ReferenceSetError(
            f"--side {side} is too long for {wanted.model.name}: pictures of {side} × {side} "
            f"pixels are larger than this worker's limit of {limits.sought} pixels "
            f"(PREIMAGE_MAXIMUM_PIXELS); name {math.isqrt(limits.sought)} or less."
        )
    try:
        models.representation(wanted.model.name, wanted.layer).code_shape(side, side)
    except InversionError as error:
        raise ReferenceSetError(str(error)) from None


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
