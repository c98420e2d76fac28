"""The network of the demonstration, and what is tried on it.

SqueezeNet with its ImageNet weights where they can be had, else with random ones, which show how an
audit goes and nothing about a network that has learnt something.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

from preimage.cli.audit.demo.crops import SIDE
from preimage.enums import Availability
from preimage.models import ModelInfo

__all__ = ["CATALOGUE", "DEFENCES", "LAYERS", "Network", "choose"]

_TRAINED, _RANDOM = "squeezenet1_0", "squeezenet1_0_with_random_weights"

CATALOGUE = f"""\
[models.{_TRAINED}]
architecture = "torchvision:squeezenet1_0"
weights = "torchvision"
input_size = [{SIDE}, {SIDE}]

[models.{_RANDOM}]
architecture = "torchvision:squeezenet1_0"
weights = {{ random = 1 }}
input_size = [{SIDE}, {SIDE}]
"""
"""What the demonstration's workers serve."""

LAYERS = ("features.3", "features.7", "classifier.3")
"""Behind the first fire module, behind the fourth, and the thousand scores."""
DEFENCES = (
    "quantise:bits=4",
    "gaussian:rel_rms=1",
    "pca:components=32",
    "projection:dimensions=64,keyed=yes",
)
"""One that hardly changes a code, noise, a fitted one, and one with a key."""


@final
@dataclass(frozen=True)
class Network:
    """What is audited."""

    model: str
    """Its name in the catalogue."""
    sentence: str
    """What it is, for people."""


def choose(models: Iterable[ModelInfo]) -> Network:
    """The trained network, or the one with random weights where there are none."""
    trained = next((each for each in models if each.name == _TRAINED), None)
    if trained is not None and trained.availability is Availability.SERVED:
        return Network(_TRAINED, "SqueezeNet 1.0 with its ImageNet weights.")
    sentence = (
        "SqueezeNet 1.0 with RANDOM weights, because its own cannot be had. The report shows how "
        "an audit goes, and says nothing about a trained network. "
    )
    return Network(_RANDOM, f"{sentence}{trained.unavailable_reason if trained else ''}".strip())
