"""Table 1 of Mahendran & Vedaldi 2015: HOG, HOGb and dense SIFT, inverted.

    python -m benchmarks.table1 [--pictures DIR] [--limit N] [--layers hog,hogb,bin5]
                                [--preset P]… [--side PIXELS] [--json FILE] [--gallery STEM]

The errors of a layer are only comparable with each other, and with the paper's, when they are
divided by how far codes are apart, and codes of different shapes have no distance. So all pictures
are brought to one size: the commonest among them, pictures that stand turned by 90° and not
resized, others resized; with `--side`, the longer side of that size is so many pixels. The paper
inverted 100 ILSVRC pictures at their native sizes, and its own 100 pictures are not stored here.

Errors, mean ± standard deviation over the pictures in per cent, x the pre-image, Φ₀ its target:

- paper: ‖Φ(x) − Φ₀‖ / N, N the mean distance between the codes of two pictures of the set;
- 8 bits: the same of the picture as it is delivered, clipped and rounded;
- released: ‖Φ(x) − Φ₀‖² / N², N² the mean squared distance, zeros included: the authors' code;
- own norm: ‖Φ(x) − Φ₀‖ / ‖Φ₀‖.

N and N² are over all pictures of the set, also where `--limit` inverts only some.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import final

import torch

from benchmarks import gallery
from benchmarks.inverting import Inverted, encode, invert
from benchmarks.measure import surroundings, table
from benchmarks.pictures import Picture, common_size, load
from preimage_worker import device as devices
from preimage_worker.formulas import FORMULAS
from preimage_worker.inversion.distances import pairwise_distances
from preimage_worker.inversion.presets import PRESETS
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.reference.sets import Spread, summarise

LAYERS = {name: make for family in FORMULAS.values() for name, make in family.layers.items()}
PUBLISHED = {"hog": "28.10 ± 7.9", "hogb": "10.67 ± 5.2", "bin5": "10.89 ± 7.5"}
"""Table 1: errors in per cent under the paper's convention."""
SEED = 0


@final
@dataclass(frozen=True)
class Cell:
    """One picture inverted; errors in per cent."""

    layer: str
    preset: str
    picture: str
    paper: float
    paper_8_bits: float
    released: float
    own_norm: float
    psnr_db: float
    passes: int
    seconds: float


def measure(
    layer: str, preset: str, picture: Picture, spread: Spread, device: torch.device
) -> tuple[Cell, Inverted]:
    """Inverts one picture."""
    phi = LAYERS[layer]()
    norm = float(encode(phi, picture.pixels, device).double().norm())
    found = invert(phi, picture.pixels, preset, device, seed=SEED)
    distance = found.relative_error * norm
    cell = Cell(
        layer=layer,
        preset=preset,
        picture=picture.name,
        paper=100 * distance / spread.mean_distance,
        paper_8_bits=100 * found.relative_error_delivered * norm / spread.mean_distance,
        released=100 * distance**2 / spread.mean_squared_distance,
        own_norm=100 * found.relative_error,
        psnr_db=found.psnr_db,
        passes=found.passes,
        seconds=round(found.seconds, 2),
    )
    return cell, found


def distances(phi: Representation, pictures: Sequence[Picture], device: torch.device) -> Spread:
    """N and N² of a layer."""
    codes = torch.stack([encode(phi, picture.pixels, device) for picture in pictures])
    return summarise(pairwise_distances(codes).numpy())


def summary(cells: Sequence[Cell]) -> dict[str, object]:
    """One row of the table: all pictures of a layer and a preset."""
    return {
        "layer": cells[0].layer,
        "preset": cells[0].preset,
        "pictures": len(cells),
        "paper": _spread([cell.paper for cell in cells]),
        "8 bits": _spread([cell.paper_8_bits for cell in cells]),
        "released": _spread([cell.released for cell in cells]),
        "own norm": _spread([cell.own_norm for cell in cells]),
        "PSNR dB": round(statistics.median(cell.psnr_db for cell in cells), 1),
        "passes": round(statistics.median(cell.passes for cell in cells)),
        "seconds": round(statistics.median(cell.seconds for cell in cells), 1),
        "published": PUBLISHED.get(cells[0].layer, "–"),
    }


def _spread(values: Sequence[float]) -> str:
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.fmean(values):.2f} ± {deviation:.1f}"


def _prepared(options: argparse.Namespace) -> list[Picture]:
    pictures = load(options.pictures)
    height, width = common_size(pictures)
    if options.side:
        height, width = round(height * options.side / width), options.side
    return [picture.fitted(height, width) for picture in pictures]


def run(options: argparse.Namespace, device: torch.device) -> tuple[list[Cell], list[gallery.Row]]:
    """All layers and presets, with a line on stderr for each picture."""
    pictures = _prepared(options)
    if len(pictures) < 2:
        raise SystemExit("One picture has no distance to another; name a folder of at least two.")
    chosen = pictures[: options.limit]
    rows = [gallery.Row("original", [gallery.Tile(each.pixels, each.name) for each in chosen])]
    cells = []
    for layer in options.layers.split(","):
        spread = distances(LAYERS[layer](), pictures, device)
        for preset in options.preset:
            tiles = []
            for picture in chosen:
                cell, found = measure(layer, preset, picture, spread, device)
                print(f"{layer} {preset} {picture.name}: {cell.paper:.2f} %", file=sys.stderr)
                cells.append(cell)
                caption = f"{cell.paper:.1f} %, {cell.psnr_db:.1f} dB, {cell.passes} passes"
                tiles.append(gallery.Tile(found.pixels, caption))
            rows.append(gallery.Row(f"{layer}, {preset}", tiles))
    return cells, rows


def _summaries(cells: Sequence[Cell]) -> list[dict[str, object]]:
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.layer, cell.preset), []).append(cell)
    return [summary(group) for group in groups.values()]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--layers", default=",".join(PUBLISHED))
    parser.add_argument("--preset", action="append", choices=sorted(PRESETS))
    parser.add_argument("--side", type=int)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--gallery", type=Path)
    options = parser.parse_args()
    options.preset = options.preset or [name for name in ("mv2015", "auto") if name in PRESETS]
    if unknown := set(options.layers.split(",")) - set(LAYERS):
        parser.error(f"unknown layers {sorted(unknown)}; there are {', '.join(LAYERS)}")
    return options


def main() -> None:
    """The command line."""
    options = _options()
    device = devices.choose(options.device)
    devices.set_up(torch.get_num_threads())
    cells, pictures = run(options, device)
    rows = _summaries(cells)
    header = list(rows[0])
    print(table(header, [[row[name] for name in header] for row in rows]))
    if options.json:
        facts = {
            "surroundings": surroundings(devices.name(device)),
            "seed": SEED,
            "picture_size": list(pictures[0].tiles[0].pixels.shape[:2]),
            "rows": rows,
            "cells": [asdict(cell) for cell in cells],
        }
        options.json.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    if options.gallery:
        gallery.write("Table 1: pre-images of HOG, HOGb and dense SIFT", pictures, options.gallery)


if __name__ == "__main__":
    main()
