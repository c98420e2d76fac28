"""Everything at a glance: layers across, defences down; in each cell a verdict and its figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from preimage_worker.audit.rendering.answers import NONE
from preimage_worker.audit.rendering.defences import plainly
from preimage_worker.audit.rendering.view import RowView


@final
@dataclass(frozen=True)
class Line:
    """A defence."""

    defence: str
    plainly: str
    """In plain words; empty where there are none."""
    cells: tuple[RowView | None, ...]
    """In the order of the layers; None where the defence was not tried."""


@final
@dataclass(frozen=True)
class Glance:
    """The table: the layer that gives away most first, codes without a defence first."""

    layers: tuple[str, ...]
    lines: tuple[Line, ...]


def glance(rows: Sequence[RowView]) -> Glance:
    """Arranges rows, which are ranked."""
    layers = tuple(dict.fromkeys(each.row.layer for each in rows))
    defences = dict.fromkeys(each.row.defence for each in rows)
    placed = {(each.row.layer, each.row.defence): each for each in rows}
    ordered = sorted(defences, key=lambda defence: defence != NONE)
    return Glance(
        layers,
        tuple(
            Line(defence, plainly(defence), tuple(placed.get((layer, defence)) for layer in layers))
            for defence in ordered
        ),
    )
