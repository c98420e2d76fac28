"""What the service can invert, and how a picture becomes a model's input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, final

import numpy as np
from PIL import Image

from preimage.enums import Availability, from_wire
from preimage.errors import BadInput
from preimage.parts import Size
from preimage.pictures import open_picture
from preimage.v1 import model_service_pb2

if TYPE_CHECKING:
    from preimage.pictures import PictureSource

NetworkInput: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]

_AXES = {
    model_service_pb2.CODE_LAYOUT_CHANNELS_FIRST: ("channels", "height", "width"),
    model_service_pb2.CODE_LAYOUT_CHANNELS_LAST: ("height", "width", "channels"),
    model_service_pb2.CODE_LAYOUT_TOKENS: ("tokens", "channels"),
    model_service_pb2.CODE_LAYOUT_VECTOR: ("channels",),
}
_BY_NUMBER = {
    3: _AXES[model_service_pb2.CODE_LAYOUT_CHANNELS_FIRST],
    2: _AXES[model_service_pb2.CODE_LAYOUT_TOKENS],
    1: _AXES[model_service_pb2.CODE_LAYOUT_VECTOR],
}
_GREY_WEIGHTS = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""ITU-R BT.601 luma, as the contract states it."""

_PICTURE_CHANNELS = (1, 3)


@final
@dataclass(frozen=True)
class LayerInfo:
    """A place where a model is cut."""

    name: str
    """Its name in requests."""
    kind: str
    """What computes it: "Conv2d", "ReLU", …"""
    code_shape: tuple[int, ...]
    """Shape of the code for the model's own input size; for any size, of a 224 × 224 picture."""
    stride: int
    """Pixels between neighbouring positions of a spatial code, else 1."""
    axes: tuple[str, ...]
    """What the axes of the code are: ("channels", "height", "width"), ("tokens", "channels"), …;
    empty where they have no names. Masks and units go by them."""
    has_reference: bool
    """Whether errors are compared with a reference set: see `ReferenceErrors`."""


@final
@dataclass(frozen=True)
class PresetInfo:
    """A named recipe."""

    name: str
    """Its name in requests."""
    description: str
    """What it is and where it was published."""
    steps: int
    """Steps of its schedule when it looks for a code; 0: it does not."""
    activation_steps: int
    """Steps of its schedule for maximisations and caricatures; 0: it is not for them."""


@final
@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes a model's input."""

    input_size: Size | None
    """The model's own input size; None where any size is taken."""
    any_size: bool
    """Pictures of any size are taken; nothing is resized unless asked for."""
    minimum_side: int
    """Smallest side in pixels."""
    channels: int
    """3: RGB. 1: grey, 0.299 R + 0.587 G + 0.114 B, not rounded. Others: codes only."""
    resampling: str
    """Pillow's name of the filter: "BILINEAR"."""
    divisor: float
    """255 for networks that take 0…1, 1 for representations of grey levels."""
    mean: tuple[float, ...]
    """Subtracted after the division; one number a channel."""
    std: tuple[float, ...]
    """Divides the difference; one number a channel."""

    def apply(
        self, picture: PictureSource, *, input_size: tuple[int, int] | None = None
    ) -> NetworkInput:
        """Computes the model's input: float32, (channels, height, width).

        In the contract's order: 8-bit RGB; resized on 8-bit values, not cropped, aspect not kept;
        converted to channels; divided by `divisor`; `mean` subtracted; divided by `std`.

        Args:
            picture: a picture in any of the forms that `Client.invert` takes.
            input_size: (height, width) to resize to; None: the model's own, or none at all.

        Raises:
            BadInput: the picture cannot be read or is too small, or the model takes none.
        """
        if self.channels not in _PICTURE_CHANNELS:
            raise BadInput(f"An input of {self.channels} channels cannot be made of a picture.")
        image = open_picture(picture)
        size = input_size or self.input_size
        if size is not None:
            height, width = size
            image = image.resize((width, height), Image.Resampling[self.resampling])
        if min(image.size) < self.minimum_side:
            raise BadInput(
                f"The picture has {image.height} × {image.width} pixels; its smaller side must "
                f"have at least {self.minimum_side}. Give an input_size."
            )
        pixels = np.asarray(image, dtype=np.float32)
        planes = (pixels @ _GREY_WEIGHTS)[None] if self.channels == 1 else pixels.transpose(2, 0, 1)
        mean, std = (np.array(each, np.float32)[:, None, None] for each in (self.mean, self.std))
        return np.ascontiguousarray((planes / np.float32(self.divisor) - mean) / std)


@final
@dataclass(frozen=True)
class ModelInfo:
    """A model of the operator's catalogue."""

    name: str
    """Its name in requests."""
    architecture: str
    """What it is: "torchvision:squeezenet1_0", "hog", …"""
    digest: str
    """Digest of architecture, weights and preprocessing: equal digests give equal codes."""
    weights: str
    """Where the weights come from, in words."""
    weights_digest: str
    """SHA-256 of the weights file; empty for representations without weights."""
    availability: Availability
    """Whether it can be used now."""
    unavailable_reason: str
    """If it cannot: why, and what would provide it."""
    preprocessing: Preprocessing
    """How a picture becomes its input."""
    layers: tuple[LayerInfo, ...]
    """The exposed layers, from the input to the output. Empty in a listing: see `Client.model`."""
    presets: tuple[PresetInfo, ...]
    """What can be asked of it; the first one that is for a task is its default."""

    def layer(self, name: str) -> LayerInfo:
        """Returns a layer by its name.

        Raises:
            BadInput: there is none of that name.
        """
        for layer in self.layers:
            if layer.name == name:
                return layer
        known = ", ".join(layer.name for layer in self.layers) or "none (a listing leaves them out)"
        raise BadInput(f"{self.name} has no layer {name!r}. Its layers: {known}.")

    def preprocess(
        self, picture: PictureSource, *, input_size: tuple[int, int] | None = None
    ) -> NetworkInput:
        """Computes the model's input from a picture; see `Preprocessing.apply`."""
        return self.preprocessing.apply(picture, input_size=input_size)


def model_from_wire(message: model_service_pb2.Model) -> ModelInfo:
    """Reads the wire's message."""
    return ModelInfo(
        name=message.name,
        architecture=message.architecture,
        digest=message.digest,
        weights=message.weights,
        weights_digest=message.weights_digest,
        availability=from_wire(
            Availability,
            model_service_pb2.Availability.items(),
            "AVAILABILITY_",
            message.availability,
        ),
        unavailable_reason=message.unavailable_reason,
        preprocessing=_preprocessing(message.preprocessing),
        layers=tuple(
            LayerInfo(
                name=each.name,
                kind=each.kind,
                code_shape=tuple(each.code_shape),
                stride=each.stride,
                axes=_axes(each),
                has_reference=each.has_reference,
            )
            for each in message.layers
        ),
        presets=tuple(
            PresetInfo(each.name, each.description, each.steps, each.activation_steps)
            for each in message.presets
        ),
    )


def _axes(message: model_service_pb2.Layer) -> tuple[str, ...]:
    """The axes as announced, else by their number."""
    by_number = _BY_NUMBER.get(len(message.code_shape), ())
    return _AXES.get(message.layout, ()) if message.layout else by_number


def _preprocessing(message: model_service_pb2.Preprocessing) -> Preprocessing:
    size = message.input_size
    return Preprocessing(
        input_size=Size(size.height, size.width) if message.HasField("input_size") else None,
        any_size=message.any_size,
        minimum_side=message.minimum_side,
        channels=message.channels,
        resampling=message.resampling,
        divisor=message.divisor,
        mean=tuple(message.mean),
        std=tuple(message.std),
    )
