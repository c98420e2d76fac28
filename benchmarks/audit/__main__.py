"""The privacy audit proved on a ResNet-20: what is asked of it, line by line, met or missed.

    python -m benchmarks.audit [--parts order,noise,…] [--targets N] [--pictures DIR] [--json FILE]

- order: layers by recovery, each attacked up to its plateau, beside what feature errors say;
- noise: Gaussian noise of growing strength: recovery, utility, linkage, bounds, verdicts;
- budget: the same attack with 20 steps and with as many as it takes;
- adaptive: what knowing the defence gains;
- bounds: estimates against what is known exactly;
- controls: planted attackers, equal seeds, a fitted defence on pictures outside its fit.

Pictures are cut into squares of 32 pixels; targets are of every other picture, what attackers have
of the rest. Weights are resnet20_cifar10.safetensors in PREIMAGE_WEIGHTS_DIR. Ends with 1 where a
line is missed. Everything takes two hours of a core, most of it `noise`; --cells keeps
what is finished.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import torch

from benchmarks.audit import adaptive, bounds, budget, controls, noise, order
from benchmarks.audit.claims import Part
from benchmarks.audit.material import Material
from benchmarks.measure import surroundings, table

PARTS: dict[str, Callable[[Material, argparse.Namespace], Part]] = {
    "order": order.measure,
    "noise": noise.measure,
    "budget": budget.measure,
    "adaptive": adaptive.measure,
    "bounds": bounds.measure,
    "controls": controls.measure,
}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument(
        "--targets", type=int, default=24, help="that are inverted, where absence is not asked"
    )
    parser.add_argument("--draws", type=int, default=5, help="of squares, for noise of 10")
    parser.add_argument("--pictures", type=Path, help="a folder; default PREIMAGE_PICTURES_DIR")
    parser.add_argument("--cells", type=Path, help="a folder: rows that are there are taken up")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="that invert")
    parser.add_argument("--json", type=Path, help="with --parts the other parts of a file stay")
    options = parser.parse_args()
    torch.set_num_threads(1)
    unknown = [each for each in options.parts.split(",") if each not in PARTS]
    if unknown:
        parser.error(f"there is no part {unknown[0]}; there are {', '.join(PARTS)}")
    material, missed = Material(options.pictures, options.seed, options.processes), 0
    for name in options.parts.split(","):
        part = PARTS[name](material, options)
        missed += _show(name, part)
        if options.json:
            _keep(options, name, part)
    sys.exit(bool(missed))


def _show(name: str, part: Part) -> int:
    """Prints a part; how many of its claims do not hold."""
    print(f"\n{name}\n{table(list(part.lines[0]), [list(each.values()) for each in part.lines])}\n")
    for claim in part.claims:
        print(f"  {'met   ' if claim.holds else 'MISSED'}  {claim.what}: {claim.figures}")
    sys.stdout.flush()
    return sum(not claim.holds for claim in part.claims)


def _keep(options: argparse.Namespace, name: str, part: Part) -> None:
    """Puts a part into the file, beside those that are there."""
    path: Path = options.json
    found = json.loads(path.read_text()) if path.exists() else {}
    found[name] = {
        "surroundings": surroundings("cpu")
        | {each: version(each) for each in ("numpy", "scipy", "scikit-image")}
        | {"system": platform.system(), "targets": options.targets, "seed": options.seed},
        **asdict(part),
    }
    path.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
