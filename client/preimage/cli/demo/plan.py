"""Which representations the demonstration inverts, and how.

The preset is the model's default with fewer steps and smaller pictures, for a run of about a minute
on two cores. Its own number of steps gives lower errors.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

from preimage.cli.demo.pictures import DemoPicture
from preimage.enums import Availability
from preimage.models import ModelInfo
from preimage.request import Settings

__all__ = ["ENTRIES", "Entry", "refusals"]

# HOG takes any size; both sides are whole cells.
_HOG_LONGEST_SIDE, _HOG_CELL = 256, 8
# A convolutional network takes any size, too, so that the pictures keep their proportions. Both
# sides are whole steps of the deepest layer.
_NETWORK_LONGEST_SIDE, _NETWORK_STRIDE = 208, 16


@final
@dataclass(frozen=True)
class Entry:
    """A representation of the demonstration: one row of its page."""

    model: str
    """Name of the model."""
    layer: str
    """Name of the layer."""
    title: str
    """Heading of the row."""
    sentence: str
    """What the representation keeps of a picture."""
    steps: int
    """Steps of the optimisation."""
    data_weight: float | None = None
    """The weight C of the data term; None: the preset's."""

    def settings(self, picture: DemoPicture) -> Settings:
        """How the code of `picture` is inverted."""
        if self.model in {"hog", "hogb"}:
            size = picture.fitted(_HOG_LONGEST_SIDE, _HOG_CELL)
        else:
            size = picture.fitted(_NETWORK_LONGEST_SIDE, _NETWORK_STRIDE)
        return Settings(steps=self.steps, data_weight=self.data_weight, input_size=size)


def _of_squeezenet(layer: str, place: str, steps: int, data_weight: float | None = None) -> Entry:
    return Entry("squeezenet1_0", layer, f"SqueezeNet, {layer}", place, steps, data_weight)


ENTRIES = (
    Entry("hog", "hog", "HOG", "Histograms of gradient directions in cells of 8 × 8 pixels.", 150),
    Entry("hogb", "hogb", "HOGb", "The same, each gradient shared between two directions.", 150),
    _of_squeezenet("features.1", "Behind the first convolution and its ReLU.", 60),
    _of_squeezenet("features.5", "Behind the third fire module.", 100),
    _of_squeezenet("features.7", "Behind the fourth fire module.", 120),
    # C = 20 as Mahendran & Vedaldi take it for conv5: the deeper, the more the priors must say.
    _of_squeezenet("features.10", "Behind the seventh fire module.", 120, data_weight=20),
)


def refusals(models: Iterable[ModelInfo]) -> dict[str, str]:
    """Why a model of the plan cannot be used, by its name; those that can be used are left out."""
    known = {model.name: model for model in models}
    return {
        name: reason
        for name in dict.fromkeys(entry.model for entry in ENTRIES)
        if (reason := _refusal(name, known.get(name)))
    }


def _refusal(name: str, model: ModelInfo | None) -> str:
    if model is None:
        return f"The service's catalogue has no model {name}."
    if model.availability is Availability.SERVED:
        return ""
    return model.unavailable_reason or f"{name} is not served."
