"""How many network passes a solver needs for what a published recipe reaches with all of its own.

    python -m benchmarks.passes [--pictures DIR] [--limit N] [--layers features.1,hogb,…]
                                [--presets auto,…] [--reference-preset mv2016]
                                [--json FILE] [--resume] [--recipes-from FILE]
                                [--gallery STEM] [--device cpu|cuda]

SqueezeNet 1.0 with ImageNet's weights, HOGb and dense SIFT (bin 8), all of pictures resized to
227 × 227, grey for the two formulas. Both presets get the same objective: the reference preset's
α-norm and bound, with C = 300 up to features.7, 100 at features.10, 20 at features.12, 100 for the
formulas. It is measured on the picture as it would be delivered at that moment, without jitter. One
pass is a forward and backward pass; every one is counted, line searches included, and the same
number of both is compared: a preset whose own schedule is shorter than the recipe's 350 gets 350
here. Measuring takes passes of its own, which belong to neither.

The JSON file is a list of cells, written after each one; `--resume` skips the cells that are in it.
A recipe does not change while a solver is worked on: `--recipes-from` takes its figures from the
cells of an earlier run, where they are of the same seed and version of torch.
A number of passes is null where the objective is not reached within the recipe's. The gallery shows
what this run has computed.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import torch

from benchmarks import acceptance, gallery, subjects
from benchmarks import passes_results as results
from benchmarks.acceptance import Cell
from benchmarks.canvases import encode, psnr_db
from benchmarks.measure import surroundings
from benchmarks.pictures import Picture, Pixels, load
from benchmarks.racing import Judge, Track
from benchmarks.subjects import SHALLOW, SIDE, representation
from preimage_worker import device as devices
from preimage_worker.inversion import presets
from preimage_worker.inversion.overrides import Overrides
from preimage_worker.inversion.presets import PRESETS
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.representations.base import Representation

GRID = {
    **dict.fromkeys([f"features.{n}" for n in (1, 2, 4, 5, 7)], 300.0),
    "features.10": 100.0,
    "features.12": 20.0,
    "hogb": 100.0,
    "bin8": 100.0,
}
"""C by layer."""
MILESTONES = (25, 50, 100, 200, 350)
"""Passes at which the two are compared; the last are all that mv2016 takes."""
CLOSE = 1.05
SEED = 0
_LIMIT = 8


class Group(NamedTuple):
    """Pictures of one layer that run as one batch."""

    layer: str
    phi: Representation
    pictures: Sequence[Picture]
    device: torch.device

    def problems(self, preset: str, reference: str) -> list[Problem]:
        """Of every picture, with the reference's priors, the grid's C, and enough steps."""
        weight = GRID.get(self.layer, 100.0 if self.layer in SHALLOW else 300.0)
        objective = presets.resolve(reference, self.phi, SIDE, SIDE)
        overrides = Overrides(
            data_weight=weight,
            alpha_norm_weight=objective.alpha_norm.weight,
            bound=objective.bound,
        )
        settings = presets.resolve(preset, self.phi, SIDE, SIDE, overrides)
        if settings.steps < MILESTONES[-1]:
            overrides = replace(overrides, steps=MILESTONES[-1])
            settings = presets.resolve(preset, self.phi, SIDE, SIDE, overrides)
        codes = [encode(self.phi, each.pixels, self.device) for each in self.pictures]
        return [Problem(code, SIDE, SIDE, settings, seed=SEED) for code in codes]


class Done(NamedTuple):
    """A cell and its pictures."""

    cell: Cell
    tiles: tuple[gallery.Tile, ...]


class Recipe(NamedTuple):
    """What the reference preset did with a picture."""

    objective_at: dict[int, float]
    passes: int
    psnr_db: float
    pixels: Pixels | None
    """None where the figures are of an earlier run."""

    @property
    def final(self) -> float:
        """The objective after the last pass that is compared."""
        return self.objective_at[MILESTONES[-1]]


def race(
    group: Group, reference: str, tested: Sequence[str], known: Sequence[Cell]
) -> Iterator[Done]:
    """The cells of a group: the reference preset once, then every tested one."""
    judge, by = Judge(group.phi, MILESTONES, group.device), group.problems(reference, reference)
    recipes = _recipes(group, judge, by, known)
    for preset in tested:
        tracks = [Track(limits=(CLOSE * recipe.final, recipe.final)) for recipe in recipes]
        judge.follow(group.problems(preset, reference), by, tracks)
        for picture, recipe, track in zip(group.pictures, recipes, tracks, strict=True):
            yield _done(group, (reference, preset), picture, recipe, track)


def _recipes(
    group: Group, judge: Judge, by: Sequence[Problem], known: Sequence[Cell]
) -> list[Recipe]:
    """What the reference preset does: what is known of it, else after running it."""
    have = {cell["picture"]: _of_cell(cell) for cell in known if cell["layer"] == group.layer}
    left = [i for i, picture in enumerate(group.pictures) if picture.name not in have]
    tracks, problems = [Track() for _ in left], [by[i] for i in left]
    if left:
        judge.follow(problems, problems, tracks)
    for index, track in zip(left, tracks, strict=True):
        picture = group.pictures[index]
        quality = psnr_db(track.pixels, picture.pixels)
        have[picture.name] = Recipe(track.objective_at, track.passes, quality, track.pixels)
    return [have[picture.name] for picture in group.pictures]


def _of_cell(cell: Cell) -> Recipe:
    at = {int(passes): value for passes, value in cell["recipe_objective_at"].items()}
    return Recipe(at, cell["recipe_passes"], cell["recipe_psnr_db"], None)


def _done(
    group: Group, names: tuple[str, str], picture: Picture, recipe: Recipe, tested: Track
) -> Done:
    close, reach = (tested.first.get(limit) for limit in tested.limits)
    quality = psnr_db(tested.pixels, picture.pixels)
    cell = {
        "representation": group.phi.model,
        "layer": group.layer,
        "picture": picture.name,
        "recipe_objective": recipe.final,
        "recipe_passes": recipe.passes,
        "passes_to_within_5_percent": close,
        "passes_to_reach": reach,
        "objective_at": _by_name(tested.objective_at),
        "recipe_objective_at": _by_name(recipe.objective_at),
        "psnr_db": quality,
        "recipe_psnr_db": recipe.psnr_db,
        "preset": names[1],
        "reference_preset": names[0],
        "seed": SEED,
        "surroundings": surroundings(devices.name(group.device)),
    }
    return Done(cell, tuple(_tiles(names, picture, recipe, (tested.pixels, quality))))


def _tiles(
    names: tuple[str, str], picture: Picture, recipe: Recipe, tested: tuple[Pixels, float]
) -> Iterator[gallery.Tile]:
    yield gallery.Tile(picture.pixels, picture.name)
    if recipe.pixels is not None:
        yield gallery.Tile(recipe.pixels, f"{names[0]}, {recipe.psnr_db:.1f} dB")
    yield gallery.Tile(tested[0], f"{names[1]}, {tested[1]:.1f} dB")


def _by_name(objective_at: dict[int, float]) -> dict[str, float]:
    return {str(passes): objective_at[passes] for passes in MILESTONES}


def measure(
    options: argparse.Namespace,
    pictures: Sequence[Picture],
    present: Sequence[Cell],
    recipes: Sequence[Cell],
    keep: Callable[[Done], None],
) -> None:
    """All cells that are not present; on a CPU picture by picture, else a layer at once."""
    device = subjects.device(options.device)
    for layer in options.layers:
        phi = representation(layer, device)
        wanted = results.missing(
            present, layer, pictures, options.reference_preset, options.presets
        )
        size = 1 if device.type == "cpu" else max(len(wanted), 1)
        for start in range(0, len(wanted), size):
            group = Group(layer, phi, wanted[start : start + size], device)
            for done in race(group, options.reference_preset, options.presets, recipes):
                keep(done)


def main() -> None:
    """The command line."""
    options = _options()
    devices.set_up(torch.get_num_threads())
    pictures = [each.fitted(SIDE, SIDE) for each in load(options.pictures, options.limit)]
    cells = results.read(options.json) if options.resume and options.json else []
    rows = []

    def keep(done: Done) -> None:
        cells[:] = results.with_cell(cells, done.cell)
        rows.append(gallery.Row(acceptance.name(done.cell), done.tiles))
        print(results.line(done.cell), file=sys.stderr)
        if options.json:
            results.write(options.json, cells)

    measure(options, pictures, tuple(cells), _known(options), keep)
    print(results.report(cells, str(MILESTONES[-1])))
    if options.gallery:
        gallery.write("Passes: the recipe and the solver after equal passes", rows, options.gallery)


def _known(options: argparse.Namespace) -> list[Cell]:
    """The cells of an earlier run whose recipe would do the same again."""
    if options.recipes_from is None:
        return []
    same = {"reference_preset": options.reference_preset, "seed": SEED}
    return [
        cell
        for cell in results.read(options.recipes_from)
        if all(cell[key] == value for key, value in same.items())
        and cell["surroundings"]["torch"] == version("torch")
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pictures", type=Path, help="default: PREIMAGE_PICTURES_DIR")
    parser.add_argument("--limit", type=int, default=_LIMIT, help="pictures by name; 0 for all")
    parser.add_argument("--layers", type=_names, default=list(GRID))
    parser.add_argument("--presets", type=_names, default=["auto"])
    parser.add_argument("--reference-preset", default="mv2016")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--recipes-from", type=Path)
    parser.add_argument("--gallery", type=Path)
    options = parser.parse_args()
    options.limit = options.limit or None
    for preset in (*options.presets, options.reference_preset):
        if preset not in PRESETS:
            parser.error(f"there is no preset {preset!r}; there are {', '.join(PRESETS)}")
    return options


def _names(text: str) -> list[str]:
    return text.split(",")


if __name__ == "__main__":
    main()
