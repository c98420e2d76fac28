"""The whole audit: the control, then row after row, each of which can be kept and taken up again.

report = run(plan, LaneInverter(plan.subject.representation))
text = to_json(report)
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Protocol, TypeVar, final

from preimage_worker.audit.control import control
from preimage_worker.audit.errors import PlanError
from preimage_worker.audit.inverter import Inverter
from preimage_worker.audit.material import Codes, Material, codes
from preimage_worker.audit.plain import Plain, from_plain, shape, to_json, to_plain
from preimage_worker.audit.plan import RUNGS, AuditPlan, Levels, check
from preimage_worker.audit.records import (
    AuditReport,
    Control,
    LeftOut,
    ModelFacts,
    PictureFacts,
    Row,
    Version,
)
from preimage_worker.audit.row import Ladder, row
from preimage_worker.audit.threats import threat_model
from preimage_worker.engine_version import engine
from preimage_worker.inversion.defences.chain import Chain
from preimage_worker.inversion.defences.grammar import spell
from preimage_worker.inversion.errors import DefenceError

_CONTROL = "control"
_COMPUTING = ("preimage", "numpy", "scipy", "scikit-image")
T = TypeVar("T")


class Store(Protocol):
    """Where finished cells of one audit are kept; an audit that is run again begins with them."""

    def load(self, name: str) -> Plain | None:
        """The cell of this name, as it was saved; None where there is none."""
        ...

    def save(self, name: str, cell: Plain, pictures: Levels | None) -> None:
        """Keeps a cell; with the best reconstruction of each target, if it has any."""
        ...


class Nowhere:
    """A store that keeps nothing."""

    def load(self, name: str) -> None:
        """Nothing."""

    def save(self, name: str, cell: Plain, pictures: Levels | None) -> None:
        """Does nothing."""


@final
@dataclass(frozen=True)
class _Cell:
    """What a store keeps of a layer under a defence."""

    found: Row | LeftOut


def run(plan: AuditPlan, inverter: Inverter, store: Store | None = None) -> AuditReport:
    """Carries out a plan.

    Args:
        plan: what is audited.
        inverter: carries out the inversions.
        store: of finished cells; None keeps none.

    Raises:
        PlanError, OverlapError, inversion.errors.InversionError: see `plan.check`; or no defence is
            for any layer's codes.
    """
    check(plan)
    kept = store or Nowhere()
    known = _control(plan, inverter, kept)
    cells = list(_cells(plan, inverter, kept, known))
    rows = [each for each in cells if isinstance(each, Row)]
    left_out = tuple(each for each in cells if isinstance(each, LeftOut))
    if not rows:
        raise PlanError(f"No defence is for any of the layers: {left_out[0].reason}")
    judge = plan.independent
    return AuditReport(
        threat_model=threat_model(plan),
        model=ModelFacts(plan.subject.name, plan.subject.digest),
        independent=judge and ModelFacts(judge.name, judge.digest),
        targets=_facts(plan.targets),
        auxiliary=_facts(plan.auxiliary),
        profile=plan.effort,
        preset=plan.preset,
        rungs=tuple(rung for rung in RUNGS if rung in plan.rungs | {"B0"}),
        releases=plan.releases,
        seed=plan.seed,
        control=known,
        rows=tuple(sorted(rows, key=_leak, reverse=True)),
        left_out=left_out,
        versions=_versions(),
    )


def maker() -> str:
    """Names what makes cells. No store hands out those of another: they may mean other things."""
    shapes = json.dumps([shape(Control), shape(_Cell)])
    return hashlib.sha256((to_json(_versions()) + shapes).encode()).hexdigest()


def _versions() -> tuple[Version, ...]:
    computing = (Version(name, version(name)) for name in _COMPUTING)
    return (Version("engine", engine()), *computing)


def cell_name(layer: str, defence: str) -> str:
    """Of a row in a store."""
    return f"{layer}/{defence}"


def _control(plan: AuditPlan, inverter: Inverter, store: Store) -> Control | None:
    found = store.load(_CONTROL)
    if found is not None:
        return from_plain(Control, found)
    made = control(plan, inverter)
    if made is not None:
        store.save(_CONTROL, to_plain(made), None)
    return made


def _cells(
    plan: AuditPlan, inverter: Inverter, store: Store, known: Control | None
) -> Iterator[Row | LeftOut]:
    ladder = Ladder(Material(plan), inverter, known)
    for layer in plan.layers:
        names = {cell_name(layer, spell(chain)): chain for chain in plan.defences}
        found = {name: store.load(name) for name in names}
        # Codes are the largest thing here: those of one layer at a time, and only if needed.
        of_layer = codes(plan, layer) if None in found.values() else None
        for name, chain in names.items():
            cell = found[name]
            if cell is not None or of_layer is None:
                yield from_plain(_Cell, cell).found
            else:
                yield _found(ladder, of_layer, chain, store)


def _found(ladder: Ladder, of_layer: Codes, chain: Chain, store: Store) -> Row | LeftOut:
    """A cell that is kept from now on; also one that is left out counts as done."""
    found: Row | LeftOut
    try:
        finished = row(ladder, of_layer, chain)
    except DefenceError as error:
        found, pictures = LeftOut(of_layer.layer, spell(chain), str(error)), None
    else:
        found, pictures = finished.row, finished.pictures
    name = cell_name(of_layer.layer, spell(chain))
    store.save(name, to_plain(_Cell(found)), pictures)
    return found


def _leak(one: Row) -> tuple[float, float]:
    """What rows are ranked by: recovery, never the error of codes."""
    return one.best.explained.fve.mean.estimate, one.best.psnr_db.mean.estimate


def _facts(pictures: Levels) -> PictureFacts:
    count, height, width, channels = pictures.shape
    digest = hashlib.sha256(pictures.tobytes()).hexdigest()
    return PictureFacts(count, height, width, channels, digest)
