"""Which representations the demonstration inverts, and how.

The numbers trade quality for a run of about a minute on two cores; the recipes are the published
ones, with fewer steps where the picture hardly changes any more.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

from preimage.cli.demo.pictures import DemoPicture
from preimage.enums import Availability
from preimage.models import ModelInfo
from preimage.request import Settings

__all__ = ["ENTRIES", "Entry", "refusals"]

# Both sides are whole cells of HOG.
_HOG_LONGEST_SIDE = 256
_HOG_CELL = 8


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

    def settings(self, picture: DemoPicture) -> Settings:
        """How the code of `picture` is inverted."""
        any_size = self.model in {"hog", "hogb"}
        return Settings(
            preset="mv2016",
            steps=self.steps,
            input_size=picture.fitted(_HOG_LONGEST_SIDE, _HOG_CELL) if any_size else None,
        )


ENTRIES = (
    Entry("hog", "hog", "HOG", "Histograms of gradient directions in cells of 8 × 8 pixels.", 200),
    Entry("hogb", "hogb", "HOGb", "The same, each gradient shared between two directions.", 200),
    Entry("squeezenet1_0", "features.1", "SqueezeNet, features.1", "Behind the first ReLU.", 150),
    Entry(
        "squeezenet1_0",
        "features.5",
        "SqueezeNet, features.5",
        "Behind the third fire module.",
        150,
    ),
    Entry(
        "squeezenet1_0",
        "features.7",
        "SqueezeNet, features.7",
        "Behind the fourth fire module.",
        150,
    ),
    Entry(
        "squeezenet1_0",
        "features.10",
        "SqueezeNet, features.10",
        "Behind the seventh fire module.",
        150,
    ),
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
