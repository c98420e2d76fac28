"""Where results go: picture files, and the JSON object or the lines that describe them."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from preimage.cli.output import print_json, say
from preimage.reconstructions import PICTURE_SUFFIXES, Reconstruction
from preimage.results import Result
from preimage.summaries import numbers_of
from preimage.words import findings, spread_in_words

__all__ = ["Out", "deliver", "read_out"]

_FLOATS = ".npy"


def read_out(text: str) -> Path:
    """Reads the option --out; refuses a file that could not be written, before it is computed.

    Raises:
      typer.BadParameter: unknown suffix, or no such folder.
    """
    out = Path(text)
    if out.suffix.lower() not in {*PICTURE_SUFFIXES, _FLOATS}:
        raise typer.BadParameter(f"{out.name} must end in .png, .jpg, .jpeg or .npy.")
    if not out.resolve().parent.is_dir():
        raise typer.BadParameter(f"There is no folder {out.resolve().parent}.")
    return out


Out = Annotated[
    Path | None,
    typer.Option(
        parser=read_out,
        metavar="FILE",
        help="Where the picture goes: .png, .jpg, or .npy, which takes the float picture. "
        "[default: named after the source, the model and the layer]",
    ),
]


def deliver(result: Result, out: Path | None, *, as_json: bool) -> None:
    """Writes the pictures, unless `out` is None, and prints what is known of them on stdout.

    The best restart goes to `out`, the others beside it: x.png, x.1.png, x.2.png, …
    Where there are no pictures but floats only, x.float.npy takes the place of x.png.
    """
    out = out and _fitting(result, out)
    places = [out and _place(result, index, out) for index in range(len(result.reconstructions))]
    for index, place in enumerate(places):
        if place:
            _save(result, index, place)
    if as_json:
        reconstructions = list(map(_as_json, result.reconstructions, places))
        summary = {**result.summary(), "out": out and str(out), "reconstructions": reconstructions}
        print_json(summary)
        return
    _print_lines(result)
    _print_places(result, places)


def _fitting(result: Result, out: Path) -> Path:
    best = result.reconstructions[result.best]
    if best.png is not None or out.suffix.lower() == _FLOATS:
        return out
    # Not x.npy: that may well be the code that was inverted.
    fitting = out.with_suffix(f".float{_FLOATS}")
    say(f"{out} cannot hold {best.channels} channels: the float picture goes to {fitting}.")
    return fitting


def _place(result: Result, index: int, out: Path) -> Path:
    if index == result.best:
        return out
    return out.with_suffix(f".{result.reconstructions[index].restart}{out.suffix}")


def _save(result: Result, index: int, place: Path) -> None:
    if place.suffix.lower() == _FLOATS:
        with place.open("wb") as file:  # given a name, numpy would add .npy to x.NPY
            np.save(file, result.fetch_float_picture(index), allow_pickle=False)
    else:
        result.reconstructions[index].save(place)


def _as_json(reconstruction: Reconstruction, place: Path | None) -> dict[str, Any]:
    restart = {"restart": reconstruction.restart}
    return {**restart, **numbers_of(reconstruction), "out": place and str(place)}


def _print_places(result: Result, places: list[Path | None]) -> None:
    """Prints what was written: the name alone if it is one file, else what each of them is."""
    for index, (each, place) in enumerate(zip(result.reconstructions, places, strict=True)):
        if place is None:
            continue
        best = ", the best" if index == result.best else ""
        error = f"restart {each.restart}, {each.score}"
        typer.echo(f"{place}: {error}{best}" if len(places) > 1 else str(place))


def _print_lines(result: Result) -> None:
    best = result.reconstructions[result.best]
    typer.echo(f"{result.model} {result.layer}: {result.outcome_sentence}")
    for heading, words in findings(best):
        typer.echo(words if heading == "likeness" else f"{heading} {words}")
    if result.origin is not None:
        typer.echo(f"computed by job {result.origin.id}, of the same specification")
    if result.diversity is not None:
        typer.echo(f"restarts differ by {spread_in_words(result.diversity)}")
