"""What a batch buys, and what the engine costs: steps of 1, 4 and 16 lanes.

    python -m benchmarks.throughput [--layers L,…] [--lanes 1,4,16] [--presets auto,mv2016]
                                    [--rounds N] [--device cpu|cuda] [--processor-time]
                                    [--json FILE]

For each layer of SqueezeNet 1.0 (its weights do not matter here, so they are random), as a worker
serves it, each preset and each number of lanes, in turn in one run:

- inversions per second: of the preset's whole schedule, without joining and leaving;
- gain: that over one lane alone;
- over bare: a step of the batch over a bare forward and backward pass of the same batch through the
  same cut network;
- pass: the pass that the step takes over the bare one;
- overhead: a step over that pass, which is what the engine itself costs.

`auto` relaxes gradients during its first steps, which makes their passes dearer: both kinds of step
and of pass are timed, and a schedule is so many of each. Steps are taken ten at a time, as a worker
takes them.
"""

import argparse
import json
import statistics
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.inverting import batch_of
from benchmarks.measure import Action, Clock, alternate, surroundings, table
from benchmarks.subjects import SIDE, representation
from preimage_worker import device as devices
from preimage_worker.inversion import presets
from preimage_worker.inversion.lanes import LaneBatch
from preimage_worker.inversion.optimisers.quasi_newton import RELAXED_STEPS
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.representations.relaxed import relax
from preimage_worker.inversion.shared_setup import default_lanes_per_pass
from preimage_worker.inversion.traits import traits_of

STEPS = 10


class Course(NamedTuple):
    """Batches of one preset and number of lanes, young and old, and their schedule."""

    young: LaneBatch
    old: LaneBatch
    steps: int
    relaxed: int
    """Of these steps."""
    leak: float
    """Of their gradients, at first; 0 where they are exact."""

    def seconds(self, young: float, old: float) -> float:
        """Of the mean step, or of the mean pass."""
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
            return Course(young, young, settings.steps, 0, 0.0)
        old, report = young.run(RELAXED_STEPS)
        while report.lanes[0].step < RELAXED_STEPS:
            old, report = old.run(RELAXED_STEPS - report.lanes[0].step)
        leak = traits_of(self.phi, SIDE, SIDE).leak
        return Course(young, old, settings.steps, RELAXED_STEPS, leak)

    def bare(self, lanes: int) -> None:
        """Passes of so many lanes, all at once."""
        self._pass(self.canvas[:lanes], 0.0)

    def passes(self, lanes: int, leak: float) -> None:
        """The passes that steps of so many lanes take: on a CPU lane by lane, with this leak."""
        for some in torch.split(self.canvas[:lanes], default_lanes_per_pass(self.device)):
            self._pass(some, leak)

    def _pass(self, canvas: Tensor, leak: float) -> None:
        share = torch.full((len(canvas),), leak, device=self.device) if leak else None
        for _ in range(STEPS):
            x = canvas.clone().requires_grad_()
            torch.autograd.grad(relax(self.phi, x, share).square().sum(), x)
        if self.device.type == "cuda":
            torch.cuda.synchronize()


class Mean(NamedTuple):
    """Mean seconds over a schedule."""

    step: float
    taken: float
    """The pass that a step takes."""
    bare: float


class Timing(NamedTuple):
    """How often and by what."""

    rounds: int
    clock: Clock


def time_all(subject: Subject, courses: dict[int, Course], timing: Timing) -> dict[int, Mean]:
    """Steps and passes of every number of lanes, in turn."""
    actions: dict[str, Action] = {}
    for count, course in courses.items():
        actions[f"bare {count}"] = partial(subject.bare, count)
        actions[f"exact {count}"] = partial(subject.passes, count, 0.0)
        actions[f"old {count}"] = partial(course.old.run, STEPS)
        if course.relaxed:  # else young and old are the same
            actions[f"relaxed {count}"] = partial(subject.passes, count, course.leak)
            actions[f"young {count}"] = partial(course.young.run, STEPS)
    times = alternate(actions, *timing)
    return {
        count: Mean(
            course.seconds(times.get(f"young {count}", 0.0), times[f"old {count}"]),
            course.seconds(times.get(f"relaxed {count}", 0.0), times[f"exact {count}"]),
            times[f"bare {count}"] / STEPS,
        )
        for count, course in courses.items()
    }


def subject_of(layer: str, lanes: int, device: torch.device) -> Subject:
    """A layer, and noise for so many lanes."""
    phi = representation(layer, device, random=True)
    noise = torch.randn(lanes, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    return Subject(phi, (50 * noise).to(device), device)


def measure(
    layer: str, preset: str, device: torch.device, lanes: list[int], timing: Timing
) -> list[dict[str, object]]:
    """One row for each number of lanes."""
    subject = subject_of(layer, max(lanes), device)
    courses = {count: subject.course(preset, count) for count in sorted({1, *lanes})}
    seconds = time_all(subject, courses, timing)
    return [
        {
            "layer": layer,
            "preset": preset,
            "lanes": count,
            "inversions_per_second": float(f"{count / step / courses[count].steps:.3g}"),
            "gain": round(count * seconds[1].step / step, 3),
            "over_bare": round(step / bare, 3),
            "pass": round(taken / bare, 3),
            "overhead": round(step / taken, 3),
        }
        for count, (step, taken, bare) in seconds.items()
        if count in lanes
    ]


def medians(rows: list[dict[str, object]]) -> dict[str, dict[str, float]]:
    """Of each preset's ratios."""
    found: dict[str, dict[str, float]] = {}
    for preset in dict.fromkeys(str(row["preset"]) for row in rows):
        mine = [row for row in rows if row["preset"] == preset]
        found[preset] = {
            name: round(statistics.median(float(str(row[name])) for row in mine), 3)
            for name in ("over_bare", "pass", "overhead")
        }
    return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--layers", default="features.1,features.5,features.10")
    parser.add_argument("--lanes", default="1,4,16")
    parser.add_argument("--presets", default="auto,mv2016")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--processor-time", action="store_true", help="instead of the wall's, on a shared CPU"
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    device = devices.choose(options.device)
    devices.set_up(torch.get_num_threads())
    clock = time.process_time if options.processor_time else time.perf_counter
    lanes = [int(each) for each in options.lanes.split(",")]
    rows = [
        row
        for layer in options.layers.split(",")
        for preset in options.presets.split(",")
        for row in measure(layer, preset, device, lanes, Timing(options.rounds, clock))
    ]
    header = list(rows[0])
    print(table(header, [[row[name] for name in header] for row in rows]))
    print("\nmedians:", json.dumps(medians(rows)))
    if options.json:
        facts = {
            "surroundings": surroundings(devices.name(device)),
            "clock": clock.__name__,
            "medians": medians(rows),
            "rows": rows,
        }
        options.json.write_text(json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    main()
