"""Builds a reference set: `python -m preimage_worker.reference`, or `preimage reference`.

It reads the worker's own settings (catalogue, weights, device), so that a set is of the very models
that the worker serves. What cannot be done ends it with one sentence and status 2.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from preimage_worker import catalogue, device
from preimage_worker.catalogue import ModelEntry
from preimage_worker.errors import ReferenceSetError, WorkerError
from preimage_worker.models import Models
from preimage_worker.names import no_model
from preimage_worker.pictures import Limits
from preimage_worker.reference import files
from preimage_worker.reference.build import build, choose
from preimage_worker.reference.gather import gather
from preimage_worker.settings import Settings

_PICTURES = 100
"""As many as Mahendran & Vedaldi (2015) used."""
_SIDE = 224


def main(arguments: Sequence[str] | None = None) -> int:
    """Builds one file; returns the exit status."""
    asked = _parser().parse_args(arguments)
    try:
        settings = Settings.from_environment(os.environ)
        _build(asked, settings)
    except WorkerError as error:
        _say(f"preimage reference: {error}")
        return 2
    except KeyboardInterrupt:
        _say("preimage reference: stopped; nothing was written.")
        return 130
    return 0


def _build(asked: argparse.Namespace, settings: Settings) -> None:
    files.check_place(asked.output)
    chosen = device.choose(settings.device)
    device.set_up(settings.threads)
    limits = Limits.of(settings)
    entries = _chosen(catalogue.load(settings.catalogue), asked.model)
    album = gather(asked.pictures, asked.limit, limits)
    models = Models(entries, settings, chosen)
    if not asked.model:  # one that is named ends the command with its own sentence
        models.warn_of_missing()
    wanted = choose(models, asked.model, asked.layer, asked.side, limits)
    for name in sorted({*asked.model} - {each.model.name for each in wanted}):
        _say(f"{name} has no layer that matches; nothing is measured of it.")
    references = []
    for number, each in enumerate(wanted, 1):
        reference = build(models, each, album, chosen)
        references.append(reference)
        _say(
            f"[{number}/{len(wanted)}] {each.model.name} {each.layer}, {each.height} × "
            f"{each.width}: codes of different pictures are {reference.mean_distance:.6g} apart "
            f"(digest {reference.digest}, which results name)"
        )
    files.write(asked.output, references)
    _say(
        f"{asked.output} is written, of {len(album)} pictures; its pictures_digest, the same in "
        f"all sets of these pictures, is {album.digest}."
    )


def _chosen(entries: tuple[ModelEntry, ...], names: Sequence[str]) -> tuple[ModelEntry, ...]:
    """The models that the command names, else all; raises ReferenceSetError for one unknown."""
    known = {entry.name: entry for entry in entries}
    for name in names:
        if name not in known:
            raise ReferenceSetError(no_model(name, known))
    return tuple(known[name] for name in dict.fromkeys(names)) or entries


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="preimage reference",
        description="Measure how far the codes of unrelated natural pictures are apart.",
    )
    add = parser.add_argument
    add("--pictures", type=Path, required=True, metavar="DIR", help="folder of natural pictures")
    add("--model", action="append", default=[], metavar="NAME", help="default: every model served")
    add(
        "--layer",
        action="append",
        default=[],
        metavar="PATTERN",
        help='a layer, or a pattern such as "features.*", of one of the models at least; '
        "default: every layer",
    )
    add(
        "--limit",
        type=_positive,
        default=_PICTURES,
        metavar="N",
        help=f"pictures at most, by name; default: {_PICTURES}",
    )
    add(
        "--side",
        type=_positive,
        default=_SIDE,
        metavar="PIXELS",
        help=f"height and width where the model takes any size; default: {_SIDE}",
    )
    add("-o", "--output", type=Path, required=True, metavar="FILE", help="the file to write (JSON)")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201 - for whoever started it


if __name__ == "__main__":
    sys.exit(main())
