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
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from benchmarks import gallery
from benchmarks.errors import SEED, Cell, Setting, distances, measure, summary
from benchmarks.measure import surroundings, table
from benchmarks.pictures import Picture, common_size, load
from benchmarks.subjects import SHALLOW
from preimage_worker import device as devices
from preimage_worker.inversion.presets import PRESETS

LAYERS = SHALLOW
PUBLISHED = {"hog": "28.10 ± 7.9", "hogb": "10.67 ± 5.2", "bin5": "10.89 ± 7.5"}
"""Table 1: errors in per cent under the paper's convention."""


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
            for cell, found in measure(LAYERS[layer](), chosen, spread, Setting(preset), device):
                print(f"{layer} {preset} {cell.picture}: {cell.paper:.2f} %", file=sys.stderr)
                cells.append(cell)
                caption = f"{cell.paper:.1f} %, {cell.psnr_db:.1f} dB, {cell.passes} passes"
                tiles.append(gallery.Tile(found.pixels, caption))
            rows.append(gallery.Row(f"{layer}, {preset}", tiles))
    return cells, rows


def _summaries(cells: Sequence[Cell]) -> list[dict[str, object]]:
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.layer, cell.preset), []).append(cell)
    return [
        {"layer": layer, "preset": preset}
        | summary(group)
        | {"published": PUBLISHED.get(layer, "–")}
        for (layer, preset), group in groups.items()
    ]


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
