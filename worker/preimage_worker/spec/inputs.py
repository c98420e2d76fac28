"""What a job brings: a picture or codes, at the size of the picture that is looked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from torch import Tensor

from preimage.v1 import model_service_pb2 as models_wire
from preimage.v1 import spec_pb2 as wire
from preimage.v1 import tensor_pb2, work_pb2
from preimage_worker import pictures, tensors
from preimage_worker.errors import InvalidSpecError
from preimage_worker.inversion.representations.base import Representation

Blobs = Mapping[str, bytes]

_GRID_AXES = 3  # channels, rows, columns


@final
@dataclass(frozen=True, eq=False)
class Input:
    """A picture, or codes, or neither, at the size that the representation will see."""

    height: int
    width: int
    original: pictures.Pixels | None = None
    """The caller's picture, resized."""
    codes: tuple[Tensor, ...] = ()
    """Of all layers, in their order, where codes were sent."""


def sent_picture(
    item: work_pb2.WorkItem, blobs: Blobs, limits: pictures.Limits
) -> pictures.Pixels | None:
    """The picture that a job brings, decoded; None where it brings none. It may take seconds.

    Raises:
        InvalidSpecError: it is not there, cannot be decoded, or is too large.
    """
    if item.WhichOneof("work") == "extract":
        return _pixels(item, item.extract.picture, blobs, limits)
    if item.invert.target.WhichOneof("source") == "picture":
        return _pixels(item, item.invert.target.picture, blobs, limits)
    return None


def read(
    item: work_pb2.WorkItem,
    blobs: Blobs,
    sent: pictures.Pixels | None,
    model: models_wire.Model,
    limits: pictures.Limits,
) -> Input:
    """What the inversion `item` brings; `sent` is its `sent_picture`.

    Raises:
        InvalidSpecError: it cannot be read, is too large, or does not say of which size it is.
    """
    spec = item.invert
    if sent is not None:
        return _at_size(sent, spec.representation, model.preprocessing, limits)
    codes: tuple[Tensor, ...] = ()
    if spec.target.HasField("uploaded_features"):
        codes = _codes(spec, blobs)
    shape = tuple(codes[0].shape) if codes else None
    height, width = _size_without_picture(spec.representation, model, shape)
    pictures.check_sought(height, width, limits)
    return Input(height, width, codes=codes)


def picture_of(
    item: work_pb2.WorkItem,
    sent: pictures.Pixels,
    model: models_wire.Model,
    limits: pictures.Limits,
) -> pictures.Pixels:
    """The picture whose code is asked for, at the size that the representation will see."""
    given = _at_size(sent, item.extract.representation, model.preprocessing, limits)
    assert given.original is not None
    return given.original


def canvas_of(representation: Representation, original: pictures.Pixels) -> Tensor:
    """A picture as the representation's canvas `(channels, height, width)`, on the CPU."""
    levels = pictures.to_levels(original, representation.channels)
    return torch.from_numpy(pictures.canvas(levels, representation.mean))


def encode(
    representation: Representation, original: pictures.Pixels, device: torch.device
) -> Tensor:
    """Φ of one picture, without a lane axis, on the CPU: float32."""
    canvas = canvas_of(representation, original)
    # Not inference_mode: a representation may keep tensors that it makes here for later gradients.
    with torch.no_grad():
        return representation(canvas[None].to(device))[0].float().cpu()


def tensor_of(reference: tensor_pb2.TensorReference, blobs: Blobs) -> Tensor:
    """An uploaded tensor, float32 where it has a floating type."""
    return torch.from_numpy(tensors.read(reference, _blob(blobs, reference.digest)).copy())


def missing_input(digest: str) -> InvalidSpecError:
    """What ends a job whose picture or code has gone from the queue."""
    return InvalidSpecError(f"The input {digest[:12]}… of this job is not in the queue any more.")


def _codes(spec: wire.PreimageSpec, blobs: Blobs) -> tuple[Tensor, ...]:
    first = tensor_of(spec.target.uploaded_features, blobs)
    return first, *(_further(term, blobs) for term in spec.representation.further_layers)


def _further(term: wire.LayerTerm, blobs: Blobs) -> Tensor:
    if not term.HasField("uploaded_features"):
        raise InvalidSpecError(
            f"Layer {term.layer!r} comes without a code; where the target is a bare code, every "
            "further layer needs its own."
        )
    return tensor_of(term.uploaded_features, blobs)


def _pixels(
    item: work_pb2.WorkItem, picture: tensor_pb2.Picture, blobs: Blobs, limits: pictures.Limits
) -> pictures.Pixels:
    if item.encoded_picture_digest:
        return pictures.decode(_blob(blobs, item.encoded_picture_digest), limits)
    pixels = tensors.read(picture.uploaded, _blob(blobs, picture.uploaded.digest))
    if pixels.dtype != np.uint8 or pixels.ndim not in {2, 3} or pixels.shape[2:] not in {(), (3,)}:
        raise InvalidSpecError(
            "Pixels must be uint8 of shape (height, width, 3) or (height, width), not "
            f"{pixels.dtype} of shape {list(pixels.shape)}."
        )
    pictures.check_sent(pixels.shape[0], pixels.shape[1], limits)
    return pictures.as_rgb(pixels)


def _at_size(
    pixels: pictures.Pixels,
    representation: wire.Representation,
    preprocessing: models_wire.Preprocessing,
    limits: pictures.Limits,
) -> Input:
    if preprocessing.channels not in pictures.SHOWN_CHANNELS:
        raise InvalidSpecError(
            f"{representation.model} takes {preprocessing.channels} channels, which no picture "
            "has; send a code."
        )
    height, width = pixels.shape[:2]
    if representation.HasField("input_size"):
        height, width = representation.input_size.height, representation.input_size.width
    elif not preprocessing.any_size:
        height, width = preprocessing.input_size.height, preprocessing.input_size.width
    pictures.check_sought(height, width, limits)
    return Input(height, width, pictures.resize(pixels, height, width))


def _size_without_picture(
    representation: wire.Representation, model: models_wire.Model, shape: tuple[int, ...] | None
) -> tuple[int, int]:
    preprocessing = model.preprocessing
    if representation.HasField("input_size"):
        return representation.input_size.height, representation.input_size.width
    if not preprocessing.any_size:
        return preprocessing.input_size.height, preprocessing.input_size.width
    layer = next(each for each in model.layers if each.name == representation.layer)
    if shape is None or not layer.HasField("grid_offset"):
        what = "a unit" if shape is None else "a code"
        raise InvalidSpecError(
            f"{model.name} takes pictures of any size, and {what} of {layer.name} does not say of "
            "which it is; name representation.input_size."
        )
    if len(shape) != _GRID_AXES:
        raise InvalidSpecError(f"A code of {representation.model} has 3 axes, not {len(shape)}.")
    margin = max(-layer.grid_offset, 0)
    return layer.stride * shape[1] + margin, layer.stride * shape[2] + margin


def _blob(blobs: Blobs, digest: str) -> bytes:
    if digest not in blobs:
        raise missing_input(digest)
    return blobs[digest]
