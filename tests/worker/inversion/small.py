"""A network of three convolutions with random weights, and problems for it."""

import torch
from torch import Tensor, nn

from preimage_worker.inversion.lanes import LaneBatch
from preimage_worker.inversion.overrides import Overrides
from preimage_worker.inversion.presets import resolve
from preimage_worker.inversion.problem import Problem, StopRule
from preimage_worker.inversion.report import BoundaryReport
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.representations.network import NetworkRepresentation, network

SIDE = 24
MEAN = (0.4, 0.5, 0.6)


def small_network(node: str) -> NetworkRepresentation:
    """The network up to one of its nodes "0" to "4"."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        layers = nn.Sequential(
            nn.Conv2d(3, 8, 5, stride=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(8, 12, 3),
            nn.ReLU(inplace=True),
            nn.Conv2d(12, 6, 3, stride=2),
        )
    return network(layers, node, name="small", mean=MEAN, std=(0.2, 0.25, 0.3))


def picture(seed: int = 0, side: int = SIDE, channels: int = 3) -> Tensor:
    """A smooth canvas `(channels, side, side)`, different for every seed."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(1, channels, 4, 4, generator=generator) * 60
    smooth = nn.functional.interpolate(coarse, (side, side), mode="bicubic", align_corners=True)
    return smooth[0].clamp(-120, 120)


def problem(
    representation: Representation,
    preset: str = "mv2016",
    overrides: Overrides | None = None,
    *,
    of: int = 0,
    seed: int = 0,
    mask: Tensor | None = None,
    stop: StopRule | None = None,
) -> Problem:
    """The problem to find `picture(of)` again."""
    with torch.no_grad():
        target = representation(picture(of, channels=representation.channels)[None])[0]
    settings = resolve(preset, representation, SIDE, SIDE, overrides)
    return Problem(target, SIDE, SIDE, settings, mask, seed, stop=stop or StopRule())


def batch_of(representation: Representation, *problems: Problem) -> LaneBatch:
    """A batch with these problems, all of one family."""
    family = problems[0].settings.family
    return LaneBatch.empty(representation, family, SIDE, SIDE).join(problems)


def run_to_end(batch: LaneBatch) -> tuple[LaneBatch, BoundaryReport]:
    """Run until every lane has its outcome; all must have the same schedule."""
    while True:
        batch, report = batch.run(10)
        if all(lane.outcome for lane in report.lanes):
            return batch, report
