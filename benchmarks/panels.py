"""Which pictures the figures are made of: jobs as a client would send them, and why.

A panel is a specification of the wire contract that lacks only its picture. So masks, units and
scales of activations are those of the worker, not a benchmark's own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

from benchmarks.subjects import SQUEEZENET
from preimage.v1 import spec_pb2 as wire

RESTARTS = 4
_CENTRE = 5
_SHALLOW, _DEEP = "features.1", "features.12"
_CLASSES = {"goldfish": 1, "brown bear": 294, "daisy": 985, "volcano": 980}
"""Channels of the network's scores, by ImageNet's names."""


@final
@dataclass(frozen=True)
class Panel:
    """One job."""

    caption: str
    spec: wire.PreimageSpec
    enlarged: bool = False
    """Whether the centre is shown once more, four times as large."""


@final
@dataclass(frozen=True)
class Strip:
    """Panels beside each other, and what is to be seen in them."""

    heading: str
    panels: tuple[Panel, ...]
    shows_picture: bool = True
    """Whether they are made from a picture, which then stands before them."""


def central(preset: str) -> list[Strip]:
    """Only the central 5 × 5 positions count: grey outside what they see (2015, figure 9)."""
    layers = (_SHALLOW, "features.4", "features.7", _DEEP)
    mask = wire.Mask(centre=_CENTRE)
    panels = tuple(Panel(layer, _spec(layer, preset, mask)) for layer in layers)
    return [Strip("central 5 × 5: grey outside the field of view", panels)]


def channels(preset: str) -> list[Strip]:
    """Each half of the channels by itself (2015, figure 10)."""
    halves = {"first": wire.CHANNEL_HALF_FIRST, "second": wire.CHANNEL_HALF_SECOND}
    return [
        Strip(
            f"halves of the channels of {layer}",
            tuple(
                Panel(f"{name} half", _spec(layer, preset, wire.Mask(channel_half=half)))
                for name, half in halves.items()
            ),
        )
        for layer in ("features.0", "features.5", _DEEP)
    ]


def restarts(preset: str) -> list[Strip]:
    """Several pre-images of one code: the deeper the layer, the more they differ (2015, fig. 8)."""
    strips = []
    for layer in (_SHALLOW, _DEEP):
        spec = _spec(layer, preset)
        spec.restarts = RESTARTS
        strips.append(Strip(f"{RESTARTS} restarts of {layer}", (Panel("restart", spec),)))
    return strips


def spikes(_: str) -> list[Strip]:
    """TV with β = 1 leaves spikes where a layer samples sparsely, β = 2 none (2015, figure 2).

    Always by mv2016: it is about the prior, not about who minimises it. λ of β = 1 is five times
    the recipe's, so that both smooth about alike.
    """
    panels = []
    for exponent, weight in ((1.0, 5.0), (2.0, 1.0)):
        spec = _spec("features.5", "mv2016")
        spec.priors.total_variation.exponent = exponent
        spec.priors.total_variation.weight = weight
        panels.append(Panel(f"β = {exponent:g}", spec, enlarged=True))
    heading = "total variation: spikes with β = 1, none with β = 2; centre enlarged"
    return [Strip(heading, tuple(panels))]


def maximise(preset: str) -> list[Strip]:
    """What raises a channel, or the score of a class, most."""
    scores = tuple(
        Panel(name, _maximised("flatten", channel, preset)) for name, channel in _CLASSES.items()
    )
    units = tuple(
        Panel(f"channel {channel}", _maximised(_DEEP, channel, preset)) for channel in (0, 100, 400)
    )
    return [
        Strip("scores of classes, raised", scores, shows_picture=False),
        Strip(f"channels of {_DEEP}, raised", units, shows_picture=False),
    ]


def caricature(preset: str) -> list[Strip]:
    """What a layer sees in a picture, exaggerated (2016, figure 16)."""
    panels = []
    for layer in ("features.4", "features.7", _DEEP):
        spec = _spec(layer, preset)
        spec.objective.kind = wire.OBJECTIVE_KIND_CARICATURE
        panels.append(Panel(layer, spec))
    return [Strip("caricatures", tuple(panels))]


FIGURES: dict[str, tuple[Callable[[str], Sequence[Strip]], bool]] = {
    "central": (central, False),
    "channels": (channels, False),
    "restarts": (restarts, False),
    "spikes": (spikes, False),
    "maximise": (maximise, True),
    "caricature": (caricature, True),
}
"""By name: the strips for a preset, and whether it is a preset for activations."""


def _spec(layer: str, preset: str, mask: wire.Mask | None = None) -> wire.PreimageSpec:
    return wire.PreimageSpec(
        representation=wire.Representation(model=SQUEEZENET, layer=layer, mask=mask),
        optimiser=wire.Optimiser(preset=preset),
    )


def _maximised(layer: str, channel: int, preset: str) -> wire.PreimageSpec:
    spec = _spec(layer, preset)
    spec.objective.kind = wire.OBJECTIVE_KIND_MAXIMISE
    spec.target.unit.channel = channel
    return spec
