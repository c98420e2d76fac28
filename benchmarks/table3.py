"""Table 3 of Mahendran & Vedaldi 2015: a network's layers inverted with three weights λ_V.

    python -m benchmarks.table3 [--model cnn_a] [--random-weights] [--layers conv1,relu1,…]
                                [--weights 0.5,5,50] [--pictures DIR] [--limit N]
                                [--json FILE] [--gallery STEM] [--device cpu|cuda]

`cnn_a` is the paper's own network; its weights come from a file in PREIMAGE_WEIGHTS_DIR, made by
`preimage weights convert`. Any other network of the built-in catalogue goes as well. Only trained
CNN-A is comparable with what the paper prints, which then stands beside it; random weights, and
other networks even where their layers bear the same names, are not.

All with preset mv2015. Pictures are resized to the network's input, as the paper does. Errors are
those of `table1`, mean ± standard deviation over the pictures in per cent; N and N² are over all
pictures of the set, also where `--limit` inverts only some. The paper inverted 100 ILSVRC pictures.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from benchmarks import gallery, subjects
from benchmarks.errors import SEED, Cell, Setting, distances, measure, summary
from benchmarks.measure import surroundings, table
from benchmarks.pictures import load
from preimage_worker import catalogue
from preimage_worker import device as devices

PRESET = "mv2015"
LAYERS = {
    "cnn_a": (
        *("conv1", "relu1", "mpool1", "norm1", "conv2", "relu2", "mpool2", "norm2", "conv3"),
        *("relu3", "conv4", "relu4", "conv5", "relu5", "mpool5"),
        *("fc6", "relu6", "fc7", "relu7", "fc8"),
    ),
    "alexnet": (
        *(f"features.{number}" for number in range(13)),
        *(f"classifier.{number}" for number in (1, 2, 4, 5, 6)),
    ),
    "squeezenet1_0": tuple(f"features.{number}" for number in range(13)),
}
"""What is inverted of a network, where `--layers` does not say."""
_PRINTED = {
    0.5: (
        *(10.0, 11.3, 21.9, 20.3, 12.4, 12.9, 15.5, 15.9, 14.5, 16.5),
        *(14.9, 13.8, 12.6, 15.6, 16.6, 12.4, 15.8, 12.8, 10.5, 5.3),
    ),
    5.0: (
        *(20.2, 22.4, 30.3, 28.2, 20.0, 17.4, 18.2, 18.4, 14.4, 15.1),
        *(13.3, 14.0, 15.4, 13.9, 15.5, 14.2, 13.7, 15.4, 10.8, 5.9),
    ),
    50.0: (
        *(40.8, 45.2, 54.1, 48.1, 39.7, 32.8, 32.7, 32.4, 25.6, 26.9),
        *(23.3, 23.9, 25.7, 20.1, 19.0, 18.6, 18.7, 17.1, 15.5, 8.5),
    ),
}
PUBLISHED = {
    (layer, weight): error
    for weight, errors in _PRINTED.items()
    for layer, error in zip(LAYERS["cnn_a"], errors, strict=True)
}
"""Table 3: mean errors in per cent under the paper's convention, by CNN-A's layer and λ_V."""


def run(options: argparse.Namespace, device: torch.device) -> tuple[list[Cell], list[gallery.Row]]:
    """All layers and weights, with a line on stderr for each."""
    size = subjects.input_size(options.model)
    pictures = [picture.fitted(*size) for picture in load(options.pictures)]
    if len(pictures) < 2:
        raise SystemExit("One picture has no distance to another; name a folder of at least two.")
    chosen = pictures[: options.limit]
    rows = [gallery.Row("original", [gallery.Tile(each.pixels, each.name) for each in chosen])]
    cells = []
    for layer in options.layers:
        phi = subjects.representation(layer, device, options.model, random=options.random_weights)
        spread = distances(phi, pictures, device)
        for weight in options.weights:
            tiles = []
            for cell, found in measure(phi, chosen, spread, Setting(PRESET, weight), device):
                cells.append(cell)
                caption = f"{cell.paper:.1f} %, {cell.psnr_db:.1f} dB"
                tiles.append(gallery.Tile(found.pixels, caption))
            print(f"{layer} λ_V = {weight:g}: {len(tiles)} pictures", file=sys.stderr)
            rows.append(gallery.Row(f"{layer}, λ_V = {weight:g}", tiles))
    return cells, rows


def summaries(cells: Sequence[Cell], *, comparable: bool) -> list[dict[str, object]]:
    """A row for each layer and weight, with what the paper prints where that compares."""
    groups: dict[tuple[str, float], list[Cell]] = {}
    for cell in cells:
        assert cell.total_variation_weight is not None
        groups.setdefault((cell.layer, cell.total_variation_weight), []).append(cell)
    return [
        {"layer": layer, "λ_V": weight}
        | summary(group)
        | ({"published": PUBLISHED.get((layer, weight), "–")} if comparable else {})
        for (layer, weight), group in groups.items()
    ]


def label(model: str, *, random: bool) -> str:
    """Whether the figures are comparable with the paper's, in one sentence."""
    if model != "cnn_a":
        return f"{model} is not the paper's network: not comparable with its Table 3."
    if random:
        return "CNN-A with random weights: not comparable with the paper's Table 3."
    return "CNN-A with the weights in PREIMAGE_WEIGHTS_DIR, beside the paper's Table 3."


def main() -> None:
    """The command line."""
    options = _options()
    devices.set_up(torch.get_num_threads())
    device = subjects.device(options.device)
    cells, pictures = run(options, device)
    comparable = options.model == "cnn_a" and not options.random_weights
    rows, note = (
        summaries(cells, comparable=comparable),
        label(options.model, random=options.random_weights),
    )
    header = list(rows[0])
    print(note)
    print(table(header, [[row[name] for name in header] for row in rows]))
    if options.json:
        facts = {
            "surroundings": surroundings(devices.name(device)),
            "seed": SEED,
            "model": options.model,
            "random_weights": options.random_weights,
            "note": note,
            "rows": rows,
            "cells": [asdict(cell) for cell in cells],
        }
        options.json.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", "utf-8")
    if options.gallery:
        gallery.write(f"Layers of {options.model}, three weights", pictures, options.gallery)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="cnn_a", help="of the built-in catalogue")
    parser.add_argument("--random-weights", action="store_true", help="drawn from seed 0")
    parser.add_argument("--layers", help="separated by commas")
    parser.add_argument("--weights", default="0.5,5,50", help="λ_V, separated by commas")
    parser.add_argument("--pictures", type=Path, help="default: PREIMAGE_PICTURES_DIR")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--gallery", type=Path)
    options = parser.parse_args()
    networks = [entry.name for entry in catalogue.load(None) if not entry.is_formula]
    if options.model not in networks:
        parser.error(f"there is no network {options.model!r}; there are {', '.join(networks)}")
    if not options.layers and options.model not in LAYERS:
        parser.error(f"name the --layers of {options.model}")
    options.layers = options.layers.split(",") if options.layers else LAYERS[options.model]
    options.weights = [float(each) for each in options.weights.split(",")]
    return options


if __name__ == "__main__":
    main()
