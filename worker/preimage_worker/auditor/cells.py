"""Finished cells of an audit, kept in its job's checkpoint: they outlive the auditor."""

import io
import json
import logging
import zipfile
from collections.abc import Callable
from typing import final

import numpy as np

from preimage_queue import Claimed, Queue
from preimage_worker.audit.plain import Plain
from preimage_worker.audit.plan import Levels
from preimage_worker.audit.rendering import Kept
from preimage_worker.audit.run import maker

log = logging.getLogger(__name__)

_FIGURES, _PICTURES = "figures.json", ".npz"


@final
class CheckpointStore:
    """A `Store` of one audit, fenced by its attempt."""

    def __init__(
        self,
        queue: Queue,
        claimed: Claimed,
        *,
        keep: Callable[[Levels], Kept] | None,
        saved: Callable[[str], None],
    ) -> None:
        """Takes up what an earlier attempt has left.

        Args:
            queue: where the checkpoint is.
            claimed: the audit.
            keep: takes of a cell's pictures those that the report may show; None if it shows none.
            saved: is told the name of each new cell.
        """
        self._queue = queue
        self._claimed = claimed
        self._keep = keep
        self._saved = saved
        self._cells, self.pictures = self._read()

    def load(self, name: str) -> Plain | None:
        """The cell of this name; None where there is none."""
        return self._cells.get(name)

    def save(self, name: str, cell: Plain, pictures: Levels | None) -> None:
        """Keeps a cell, and of its pictures what the report may show."""
        self._cells[name] = cell
        if pictures is not None and self._keep is not None:
            self.pictures[name] = self._keep(pictures)
        self._queue.put_checkpoint(
            self._claimed.id, self._claimed.attempt, len(self._cells), self._pack()
        )
        self._saved(name)

    def _pack(self) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(_FIGURES, self._figures())
            for name, kept in self.pictures.items():
                part = io.BytesIO()
                np.savez(part, mse=kept.mse, targets=kept.targets, pictures=kept.pictures)
                archive.writestr(name + _PICTURES, part.getvalue())
        return buffer.getvalue()

    def _figures(self) -> str:
        return json.dumps({"maker": maker(), "cells": self._cells}, allow_nan=False)

    def _read(self) -> tuple[dict[str, Plain], dict[str, Kept]]:
        # Never by `claimed.checkpoint_step`, which is of the claim: after an outage this attempt is
        # the one that has left something.
        found = self._queue.read_checkpoint(self._claimed.id, self._claimed.attempt)
        if found is None:
            return {}, {}
        try:
            return _unpack(found[1])
        except (zipfile.BadZipFile, ValueError, KeyError, TypeError) as error:
            log.warning("it begins anew: its checkpoint is of another version, or none (%r)", error)
            return {}, {}


def _unpack(data: bytes) -> tuple[dict[str, Plain], dict[str, Kept]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        figures = json.loads(archive.read(_FIGURES))
        if figures["maker"] != maker():
            raise ValueError("another maker")
        pictures = {
            name.removesuffix(_PICTURES): _kept(archive.read(name))
            for name in archive.namelist()
            if name.endswith(_PICTURES)
        }
    return figures["cells"], pictures


def _kept(data: bytes) -> Kept:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return Kept(arrays["mse"], arrays["targets"], arrays["pictures"])
