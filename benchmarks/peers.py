"""The engine against plenoptic's Metamer: same network, layer, picture and machine, in one run.

    python -m benchmarks.peers [--pictures DIR] [--limit N] [--layers features.1,features.5,…]
                               [--preset auto] [--prior-factor 0.5] [--iterations 400]
                               [--json FILE] [--gallery STEM] [--device cpu|cuda]

plenoptic (`pip install 'preimage[bench]'`) is the library that people use for this today. Its
Metamer runs with its own defaults: noise in 0…1, Adam with AMSGrad and a rate of 0.01, the mean
squared error of the code, a penalty outside 0…1, its own stopping rule; only the number of
iterations is raised. The relative error ‖Φ(x) − Φ₀‖ / ‖Φ₀‖ of what it ends with is the mark. The
engine then runs, with the preset's own settings, until the picture that it would deliver has an
error at most as large. Priors keep a picture from the smallest error that its layer allows, and
plenoptic has none: whole ones stay above its mark at features.1. So they count half here, in all
layers alike (`--prior-factor`).

Passes are counted in the network's own forward calls while the picture is sought, which includes
plenoptic's last one without gradient; finding the code Φ₀ is left out of both. For the seconds, the
engine runs so many passes again, right after plenoptic. PSNR is that of both pictures in 8 bits. A
cell in which the preset never reaches the mark says so and counts as the worst of all.
"""

import argparse
import importlib
import io
import json
import statistics
import sys
import time
import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, final

import torch
from torch import Tensor, nn

from benchmarks import gallery, subjects
from benchmarks.canvases import canvas_of, delivered_pixels, encode, psnr_db
from benchmarks.inverting import batch_of
from benchmarks.measure import surroundings, table
from benchmarks.pictures import Picture, Pixels, load
from preimage_worker import device as devices
from preimage_worker.inversion import presets
from preimage_worker.inversion.overrides import Overrides
from preimage_worker.inversion.presets import PRESETS
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.representations.network import WHITE

SEED = 0
LAYERS = ["features.1", "features.5", "features.12"]
ASKED = {"passes": 8.0, "seconds": 5.0, "psnr_db": 8.0}
"""In the median: so many times fewer, so many times less, so many dB more."""


@final
class Counted(nn.Module):
    """Φ of pictures in 0…1, as plenoptic has them, counting its forward calls."""

    def __init__(self, phi: Representation, device: torch.device) -> None:
        super().__init__()
        self._phi, self.calls = phi, 0
        self._mean = torch.tensor(phi.mean, device=device)[:, None, None]

    def forward(self, pictures: Tensor) -> Tensor:
        """Codes of `(1, 3, height, width)`."""
        self.calls += 1
        return self._phi(WHITE * pictures - self._mean)


class Found(NamedTuple):
    """A picture and what it took."""

    relative_error: float
    passes: int
    seconds: float
    pixels: Pixels


@final
@dataclass(frozen=True)
class Cell:
    """One picture and one layer."""

    layer: str
    picture: str
    preset: str
    reached: bool
    """Whether the preset came down to plenoptic's error at all."""
    relative_error: float
    peer_relative_error: float
    passes: int
    """To the first picture that is at or below it; all of the schedule where none is."""
    peer_passes: int
    seconds: float
    peer_seconds: float
    psnr_db: float
    peer_psnr_db: float

    @property
    def gains(self) -> dict[str, float]:
        """Passes and seconds as factors, PSNR as a difference; the worst where not reached."""
        if not self.reached:
            return {"passes": 0.0, "seconds": 0.0, "psnr_db": self.psnr_db - self.peer_psnr_db}
        return {
            "passes": self.peer_passes / self.passes,
            "seconds": self.peer_seconds / self.seconds,
            "psnr_db": self.psnr_db - self.peer_psnr_db,
        }


def metamer(plenoptic: ModuleType, phi: Representation, canvas: Tensor, iterations: int) -> Found:
    """What plenoptic finds for the code of a canvas `(3, height, width)`."""
    model = Counted(phi, canvas.device).eval()
    mean = torch.tensor(phi.mean, device=canvas.device)[:, None, None]
    picture = ((canvas + mean) / WHITE)[None]
    plenoptic.set_seed(SEED)
    search = plenoptic.Metamer(picture, model)
    model.calls = 0
    _wait(canvas.device)
    started = time.perf_counter()
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()):  # which has its progress bar
        warnings.filterwarnings("ignore", "Loss has converged")
        search.synthesize(max_iter=iterations)
    _wait(canvas.device)
    seconds, passes = time.perf_counter() - started, model.calls
    found = WHITE * search.metamer.detach()[0] - mean
    return Found(_error(phi, found, canvas), passes, seconds, delivered_pixels(found, phi))


def preimage(phi: Representation, problem: Problem, mark: float, device: torch.device) -> Found:
    """What a preset finds by the first pass after which its picture has at most the error `mark`.

    The seconds are those of a second run of so many passes, without looking in between.
    """
    batch = batch_of(phi, [problem], device)
    while True:
        batch, report = batch.run(1)
        (lane,) = report.lanes
        last = lane.outcome is not None
        if last or lane.relative_error <= mark:
            (measured,) = batch.measure([0])
            if last or measured.relative_error <= mark:
                break
    _wait(device)
    started = time.perf_counter()
    again = batch_of(phi, [problem], device)
    left = lane.step
    while left:
        again, report = again.run(left)
        left -= report.steps
    pictures = again.pictures([0])
    _wait(device)
    seconds = time.perf_counter() - started
    pixels = delivered_pixels(pictures[0], phi)
    return Found(measured.relative_error, lane.network_passes, seconds, pixels)


def _error(phi: Representation, found: Tensor, original: Tensor) -> float:
    with torch.no_grad():
        code, wanted = phi(found[None]).double(), phi(original[None]).double()
    return float((code - wanted).norm() / wanted.norm())


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def compare(
    plenoptic: ModuleType, options: argparse.Namespace, layer: str, pictures: Sequence[Picture]
) -> tuple[list[Cell], list[gallery.Row]]:
    """All pictures of a layer, first plenoptic, then the engine."""
    device = subjects.device(options.device)
    phi = subjects.representation(layer, device)
    cells, rows = [], []
    for picture in pictures:
        canvas = canvas_of(phi, picture.pixels).to(device)
        theirs = metamer(plenoptic, phi, canvas, options.iterations)
        height, width = picture.pixels.shape[:2]
        settings = presets.resolve(
            options.preset, phi, height, width, Overrides(prior_factor=options.prior_factor)
        )
        problem = Problem(encode(phi, picture.pixels, device), height, width, settings, seed=SEED)
        ours = preimage(phi, problem, theirs.relative_error, device)
        cell = _cell(layer, picture, options.preset, ours, theirs)
        print(f"{layer} {picture.name}: {_words(cell)}", file=sys.stderr)
        cells.append(cell)
        rows.append(_row(cell, picture, ours, theirs))
    return cells, rows


def _cell(layer: str, picture: Picture, preset: str, ours: Found, theirs: Found) -> Cell:
    return Cell(
        layer=layer,
        picture=picture.name,
        preset=preset,
        reached=ours.relative_error <= theirs.relative_error,
        relative_error=ours.relative_error,
        peer_relative_error=theirs.relative_error,
        passes=ours.passes,
        peer_passes=theirs.passes,
        seconds=round(ours.seconds, 3),
        peer_seconds=round(theirs.seconds, 3),
        psnr_db=psnr_db(ours.pixels, picture.pixels),
        peer_psnr_db=psnr_db(theirs.pixels, picture.pixels),
    )


def _words(cell: Cell) -> str:
    if cell.reached:
        return f"{cell.passes} passes for {cell.peer_passes}"
    return f"error {cell.relative_error:.3f} stays above {cell.peer_relative_error:.3f}"


def _row(cell: Cell, picture: Picture, ours: Found, theirs: Found) -> gallery.Row:
    return gallery.Row(
        f"{cell.layer}: {_words(cell)}",
        [
            gallery.Tile(picture.pixels, picture.name),
            gallery.Tile(theirs.pixels, f"plenoptic, {cell.peer_psnr_db:.1f} dB"),
            gallery.Tile(ours.pixels, f"{cell.preset}, {cell.psnr_db:.1f} dB"),
        ],
    )


def report(cells: Sequence[Cell]) -> str:
    """The table of all cells, and whether the medians are what is asked."""
    rows = [
        [
            cell.layer,
            cell.picture,
            f"{100 * cell.peer_relative_error:.1f} %",
            cell.peer_passes,
            cell.passes if cell.reached else f"not in {cell.passes}",
            f"{cell.gains['passes']:.1f}",
            f"{cell.gains['seconds']:.1f}",
            f"{cell.peer_psnr_db:.1f}",
            f"{cell.gains['psnr_db']:+.1f}",
        ]
        for cell in cells
    ]
    header = ["layer", "picture", "error", "plenoptic's passes", "passes"]
    lines = [table([*header, "× fewer", "× faster", "its dB", "gain dB"], rows), ""]
    for name, asked in ASKED.items():
        median = statistics.median(cell.gains[name] for cell in cells)
        verdict = "met" if median >= asked else "MISSED"
        lines.append(f"{verdict}: median gain in {name} {median:.1f}, asked {asked:g}")
    missed = [f"{cell.layer} {cell.picture}" for cell in cells if not cell.reached]
    if missed:
        lines.append(f"plenoptic's error was not reached in: {', '.join(missed)}")
    return "\n".join(lines)


def main() -> None:
    """The command line."""
    options = _options()
    plenoptic = _plenoptic()
    devices.set_up(torch.get_num_threads())
    size = subjects.SIDE, subjects.SIDE
    pictures = [each.fitted(*size) for each in load(options.pictures, options.limit)]
    cells, rows = [], []
    for layer in options.layers.split(","):
        more, shown = compare(plenoptic, options, layer, pictures)
        cells += more
        rows += shown
    print(report(cells))
    if options.json:
        where = surroundings(devices.name(subjects.device(options.device)))
        facts = {
            "surroundings": where | {"plenoptic": plenoptic.__version__},
            "seed": SEED,
            "iterations": options.iterations,
            "prior_factor": options.prior_factor,
            "cells": [asdict(cell) for cell in cells],
        }
        options.json.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", "utf-8")
    if options.gallery:
        gallery.write(
            "plenoptic's metamers and pre-images of the same error", rows, options.gallery
        )


def _plenoptic() -> ModuleType:
    try:
        return importlib.import_module("plenoptic")
    except ImportError:
        raise SystemExit(
            "plenoptic is not installed; it comes with the extra: pip install 'preimage[bench]'."
        ) from None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pictures", type=Path, help="default: PREIMAGE_PICTURES_DIR")
    parser.add_argument("--limit", type=int, default=4, help="pictures by name; 0 for all")
    parser.add_argument("--layers", default=",".join(LAYERS))
    parser.add_argument("--preset", default="auto")
    parser.add_argument("--prior-factor", type=float, default=0.5, help="on all prior weights")
    parser.add_argument("--iterations", type=int, default=400, help="of plenoptic, at most")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--gallery", type=Path)
    options = parser.parse_args()
    options.limit = options.limit or None
    if options.preset not in PRESETS:
        parser.error(f"there is no preset {options.preset!r}; there are {', '.join(PRESETS)}")
    return options


if __name__ == "__main__":
    main()
