"""Inversions in several processes, each on one core."""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context, parent_process

import torch

from preimage_worker.audit.in_process import LaneInverter
from preimage_worker.audit.inverter import Attempt, Found
from preimage_worker.auditor.subject import CatalogueSubject
from preimage_worker.catalogue import ModelEntry
from preimage_worker.models import Models
from preimage_worker.settings import Settings

Source = tuple[ModelEntry, Settings]
"""What a model is loaded from, in each process anew."""
_AT_ONCE = 16
"""Attempts that a process is given, as one batch whose lanes pass together: on pictures this small
that takes less than half the time, and equal batches give equal bits."""


def subject_of(source: Source) -> CatalogueSubject:
    """The model; raises InvalidSpecError where it cannot be used here."""
    entry, settings = source
    return CatalogueSubject(Models((entry,), settings, torch.device("cpu")), entry.name)


class PoolInverter:
    """An `Inverter` of some processes, which find what one process would."""

    def __init__(self, source: Source, processes: int) -> None:
        """Starts them when they are needed; they end with this one."""
        self._source = source
        self._pool = ProcessPoolExecutor(processes, get_context("spawn"), _begin)

    def invert(self, attempts: Sequence[Attempt]) -> list[Found]:
        """What each attempt found, in their order."""
        parts = [attempts[i : i + _AT_ONCE] for i in range(0, len(attempts), _AT_ONCE)]
        found = self._pool.map(_invert, [self._source] * len(parts), parts)
        return [one for part in found for one in part]


def _begin() -> None:
    """In each process: it ends with the one that started it, however that ends."""
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _invert(source: Source, attempts: Sequence[Attempt]) -> list[Found]:
    return _inverter(source).invert(attempts)


@cache
def _inverter(source: Source) -> LaneInverter:
    return LaneInverter(
        subject_of(source).representation, most_lanes=_AT_ONCE, lanes_per_pass=_AT_ONCE
    )
