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

log = logging.getLogger(__name__)

_FIGURES, _PICTURES = "figures.json", ".npy"


@final
class CheckpointStore:
    """A `Store` of one audit, fenced by its attempt."""

    def __init__(
        self,
        queue: Queue,
        claimed: Claimed,
        *,
        keeps_pictures: bool,
        saved: Callable[[str], None],
    ) -> None:
        """Takes up what an earlier attempt has left.

        Args:
            queue: where the checkpoint is.
            claimed: the audit.
            keeps_pictures: whether the report will show any.
            saved: is told the name of each new cell.
        """
        self._queue = queue
        self._claimed = claimed
        self._keeps_pictures = keeps_pictures
        self._saved = saved
        self._cells, self.pictures = self._read()

    def load(self, name: str) -> Plain | None:
        """The cell of this name; None where there is none."""
        return self._cells.get(name)

    def save(self, name: str, cell: Plain, pictures: Levels | None) -> None:
        """Keeps a cell. Pictures are kept only if the report will show them."""
        self._cells[name] = cell
        if pictures is not None and self._keeps_pictures:
            self.pictures[name] = pictures
        self._queue.put_checkpoint(
            self._claimed.id, self._claimed.attempt, len(self._cells), self._pack()
        )
        self._saved(name)

    def _pack(self) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(_FIGURES, json.dumps(self._cells, allow_nan=False))
            for name, pictures in self.pictures.items():
                part = io.BytesIO()
                np.save(part, pictures, allow_pickle=False)
                archive.writestr(name + _PICTURES, part.getvalue())
        return buffer.getvalue()

    def _read(self) -> tuple[dict[str, Plain], dict[str, Levels]]:
        # Never by `claimed.checkpoint_step`, which is of the claim: after an outage this attempt is
        # the one that has left something.
        found = self._queue.read_checkpoint(self._claimed.id, self._claimed.attempt)
        if found is None:
            return {}, {}
        try:
            return _unpack(found[1])
        except (zipfile.BadZipFile, ValueError, KeyError) as error:
            log.warning("it begins anew, its checkpoint is none: %s", error)
            return {}, {}


def _unpack(data: bytes) -> tuple[dict[str, Plain], dict[str, Levels]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        cells = json.loads(archive.read(_FIGURES))
        pictures = {
            name.removesuffix(_PICTURES): np.load(
                io.BytesIO(archive.read(name)), allow_pickle=False
            )
            for name in archive.namelist()
            if name.endswith(_PICTURES)
        }
    return cells, pictures
