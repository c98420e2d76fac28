"""Reference sets as JSON files: one file holds any number of layers and sizes of any models.

Every entry ends with its own digest, so that a damaged or edited number is found when it is read.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

from preimage_worker.errors import ReferenceSetError
from preimage_worker.reference.sets import Reference, key

FORMAT = "preimage-reference/1"
_AT_LEAST_PICTURES = 2


def check_place(path: Path) -> None:
    """Raises ReferenceSetError where `write` would fail, before anything is measured."""
    folder = path.parent
    if path.is_dir():
        raise ReferenceSetError(f"{path} is a folder; name the file to write in it.")
    if not folder.is_dir():
        raise ReferenceSetError(
            f"{path} cannot be written: there is no folder {folder}; make it, or name another file."
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ReferenceSetError(
            f"{path} cannot be written: you may not write in {folder}; name another file."
        )


def write(path: Path, references: Sequence[Reference]) -> None:
    """Writes one file; raises ReferenceSetError."""
    entries = [{**asdict(each), "digest": each.digest} for each in references]
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_text(json.dumps({"format": FORMAT, "layers": entries}) + "\n")
        part.replace(path)
    except OSError as error:
        raise ReferenceSetError(f"{path} cannot be written: {error.strerror}.") from None


def load(path: Path) -> tuple[Reference, ...]:
    """Reads a file, or every *.json of a folder.

    Raises:
        ReferenceSetError: nothing is there, a file is damaged, or two sets speak of
            the same layer and differ.
    """
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise ReferenceSetError(f"The folder {path} holds no reference set (*.json).")
    found: dict[tuple[str, str, int, int], tuple[Path, Reference]] = {}
    for file in files:
        for each in read(file):
            before = found.setdefault(key(each), (file, each))
            if before[1].digest != each.digest:
                raise ReferenceSetError(
                    f"{before[0]} and {file} hold different distances of layer {each.layer} of "
                    f"{each.model} at {each.height} × {each.width} pixels: keep one of them."
                )
    return tuple(reference for _, reference in found.values())


def read(file: Path) -> tuple[Reference, ...]:
    """Reads one file; raises ReferenceSetError."""
    try:
        content = json.loads(file.read_text())
    except (OSError, RecursionError, ValueError) as error:
        raise ReferenceSetError(f"{file} cannot be read: {error}.") from None
    match content:
        case {"format": "preimage-reference/1", "layers": list(entries)}:
            return tuple(_checked(file, entries))
    raise ReferenceSetError(f"{file} is no reference set of the format {FORMAT}.")


def _checked(file: Path, entries: Iterable[object]) -> Iterator[Reference]:
    for number, entry in enumerate(entries):
        reference, digest = _reference(entry) or (None, "")
        if reference is None or not _sound(reference) or reference.digest != digest:
            raise ReferenceSetError(
                f"{file} is damaged: entry {number} of its layers does not hold what it should, or "
                "not with the digest that it was written with; build the set again."
            )
        yield reference


def _reference(entry: object) -> tuple[Reference, str] | None:
    if not isinstance(entry, dict):
        return None
    match entry:
        case {
            "model": str(),
            "model_digest": str(),
            "layer": str(),
            "height": int(),
            "width": int(),
            "pictures": int(),
            "pictures_digest": str(),
            "mean_distance": float(),
            "mean_squared_distance": float(),
            "quantiles": list(quantiles),
            "digest": str(digest),
            **rest,
        } if not rest and all(isinstance(each, float) for each in quantiles):
            known = {name: value for name, value in entry.items() if name != "digest"}
            return Reference(**{**known, "quantiles": tuple(quantiles)}), digest
    return None


def _sound(reference: Reference) -> bool:
    """Whether the errors that come of it can be computed."""
    quantiles = reference.quantiles
    return (
        reference.pictures >= _AT_LEAST_PICTURES
        and reference.mean_distance > 0
        and reference.mean_squared_distance > 0
        and len(quantiles) > 1
        and all(smaller <= larger for smaller, larger in pairwise(quantiles))
    )
