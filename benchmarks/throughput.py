"""What a batch buys, and what the engine costs: steps of 1, 4 and 16 lanes.

    python -m benchmarks.throughput [--layers L,…] [--lanes 1,4,16] [--rounds N]
                                    [--device cpu|cuda] [--json FILE]

For each layer of SqueezeNet 1.0 (its weights do not matter here, so they are random) and each
number of lanes, in turn in one run:

- gain: lane-steps per second of the batch over those of one lane alone;
- overhead: a step of the batch over a bare forward and backward pass of the same batch through the
  same cut network.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import torch
import torchvision

from benchmarks.measure import alternate, surroundings, table
from preimage_worker import device as devices
from preimage_worker.inversion import presets
from preimage_worker.inversion.lanes import LaneBatch
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.representations.network import network

SIDE = 227
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
STEPS = 5


def measure(
    layer: str, lanes: list[int], rounds: int, device: torch.device
) -> list[dict[str, object]]:
    """One row for each number of lanes."""
    torch.manual_seed(0)
    model = torchvision.models.squeezenet1_0(weights=None).to(device)
    phi = network(model, layer, name="squeezenet1_0", mean=MEAN, std=STD)
    settings = presets.resolve("mv2016", phi, SIDE, SIDE)
    canvas = 50 * torch.randn(max(lanes), 3, SIDE, SIDE, device=device)
    with torch.no_grad():
        codes = phi(canvas)

    def stepping(count: int) -> Callable[[], object]:
        problems = [Problem(codes[i].cpu(), SIDE, SIDE, settings, seed=i) for i in range(count)]
        batch = LaneBatch.empty(phi, settings.family, SIDE, SIDE, device=device).join(problems)
        return lambda: batch.run(STEPS)

    def bare(count: int) -> Callable[[], object]:
        def passes() -> None:
            for _ in range(STEPS):
                x = canvas[:count].clone().requires_grad_()
                torch.autograd.grad(phi(x).square().sum(), x)
            if device.type == "cuda":
                torch.cuda.synchronize()

        return passes

    actions = {f"step {count}": stepping(count) for count in lanes}
    actions |= {f"bare {count}": bare(count) for count in lanes}
    actions["alone"] = stepping(1)
    seconds = alternate(actions, rounds)
    return [
        {
            "layer": layer,
            "lanes": count,
            "seconds_per_step": round(seconds[f"step {count}"] / STEPS, 5),
            "gain": round(count * seconds["alone"] / seconds[f"step {count}"], 3),
            "overhead": round(seconds[f"step {count}"] / seconds[f"bare {count}"], 3),
        }
        for count in lanes
    ]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--layers", default="features.1,features.5,features.10")
    parser.add_argument("--lanes", default="1,4,16")
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
        for row in measure(layer, lanes, options.rounds, device)
    ]
    header = list(rows[0])
    print(table(header, [[row[name] for name in header] for row in rows]))
    if options.json:
        facts = {"surroundings": surroundings(devices.name(device)), "rows": rows}
        options.json.write_text(json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    main()
