"""What a batch buys, and what the engine costs: steps of 1, 4 and 16 lanes.

    python -m benchmarks.throughput [--layers L,…] [--lanes 1,4,16] [--presets auto,mv2016]
                                    [--rounds N] [--device cpu|cuda] [--json FILE]

For each layer of SqueezeNet 1.0 (its weights do not matter here, so they are random), each preset
and each number of lanes, in turn in one run:

- inversions per second: of the preset's whole schedule, without joining and leaving;
- gain: that over one lane alone;
- overhead: a step of the batch over a bare forward and backward pass of the same batch through the
  same cut network.

`auto` relaxes gradients during its first steps, which makes them dearer: both kinds of step are
timed, and a schedule is so many of each.
"""

import argparse
import json
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
import torchvision
from torch import Tensor

from benchmarks.inverting import batch_of
from benchmarks.measure import Action, alternate, surroundings, table
from preimage_worker import device as devices
from preimage_worker.inversion import presets
from preimage_worker.inversion.lanes import LaneBatch
from preimage_worker.inversion.optimisers.quasi_newton import RELAXED_STEPS
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.representations.network import network

SIDE = 227
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
STEPS = 5


class Course(NamedTuple):
    """Batches of one preset and number of lanes, young and old, and their schedule."""

    young: LaneBatch
    old: LaneBatch
    steps: int
    relaxed: int
    """Of these steps."""

    def seconds(self, young: float, old: float) -> float:
        """Of the mean step."""
        return (self.relaxed * young + (self.steps - self.relaxed) * old) / self.steps / STEPS


class Subject(NamedTuple):
    """What is timed."""

    phi: Representation
    canvas: Tensor
    device: torch.device

    def course(self, preset: str, lanes: int) -> Course:
        """Of lanes that begin, and of the same later on."""
        settings = presets.resolve(preset, self.phi, SIDE, SIDE)
        with torch.no_grad():
            codes = [self.phi(each[None])[0].cpu() for each in self.canvas[:lanes]]
        problems = [Problem(code, SIDE, SIDE, settings, seed=i) for i, code in enumerate(codes)]
        young = batch_of(self.phi, problems, self.device)
        if not settings.family.descends:
            return Course(young, young, settings.steps, 0)
        old, report = young.run(RELAXED_STEPS)
        while report.lanes[0].step < RELAXED_STEPS:
            old, report = old.run(RELAXED_STEPS - report.lanes[0].step)
        return Course(young, old, settings.steps, RELAXED_STEPS)

    def bare(self, lanes: int) -> None:
        """Passes of so many lanes."""
        for _ in range(STEPS):
            x = self.canvas[:lanes].clone().requires_grad_()
            torch.autograd.grad(self.phi(x).square().sum(), x)
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def measure(
    layer: str, preset: str, lanes: list[int], rounds: int, device: torch.device
) -> list[dict[str, object]]:
    """One row for each number of lanes."""
    torch.manual_seed(0)
    model = torchvision.models.squeezenet1_0(weights=None).to(device)
    phi = network(model, layer, name="squeezenet1_0", mean=MEAN, std=STD)
    subject = Subject(phi, 50 * torch.randn(max(lanes), 3, SIDE, SIDE, device=device), device)
    courses = {count: subject.course(preset, count) for count in {1, *lanes}}
    actions: dict[str, Action] = {}
    for count, course in courses.items():
        actions[f"bare {count}"] = partial(subject.bare, count)
        actions[f"old {count}"] = partial(course.old.run, STEPS)
        if course.relaxed:  # else young and old are the same
            actions[f"young {count}"] = partial(course.young.run, STEPS)
    times = alternate(actions, rounds)
    seconds = {
        count: course.seconds(times.get(f"young {count}", 0.0), times[f"old {count}"])
        for count, course in courses.items()
    }
    return [
        {
            "layer": layer,
            "preset": preset,
            "lanes": count,
            "inversions_per_second": float(f"{count / seconds[count] / courses[count].steps:.3g}"),
            "gain": round(count * seconds[1] / seconds[count], 3),
            "overhead": round(seconds[count] / times[f"bare {count}"] * STEPS, 3),
        }
        for count in lanes
    ]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--layers", default="features.1,features.5,features.10")
    parser.add_argument("--lanes", default="1,4,16")
    parser.add_argument("--presets", default="auto,mv2016")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    device = devices.choose(options.device)
    devices.set_up(torch.get_num_threads())
    lanes = [int(each) for each in options.lanes.split(",")]
    rows = [
        row
        for layer in options.layers.split(",")
        for preset in options.presets.split(",")
        for row in measure(layer, preset, lanes, options.rounds, device)
    ]
    header = list(rows[0])
    print(table(header, [[row[name] for name in header] for row in rows]))
    if options.json:
        facts = {"surroundings": surroundings(devices.name(device)), "rows": rows}
        options.json.write_text(json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    main()
