"""Audits whose finished rows are kept in a folder: some take minutes, and a run may be stopped."""

import hashlib
import json
from pathlib import Path

from preimage_worker.audit.inverter import Inverter
from preimage_worker.audit.plain import Plain
from preimage_worker.audit.plan import AuditPlan, Levels
from preimage_worker.audit.records import AuditReport
from preimage_worker.audit.run import run
from preimage_worker.engine_version import engine


def audit(plan: AuditPlan, inverter: Inverter, folder: Path | None) -> AuditReport:
    """Carries a plan out, and tells on the way which rows are there.

    Args:
        plan: what is audited.
        inverter: carries out the inversions.
        folder: of rows that are taken up again, by this engine and for this plan; None keeps none.
    """
    return run(plan, inverter, _Folder(folder and folder / _digest(plan)))


def _digest(plan: AuditPlan) -> str:
    """Of all that a row depends on, its layer and its defence apart."""
    said = (plan.profile, plan.seed, plan.releases, plan.preset, sorted(plan.rungs), engine())
    found = hashlib.sha256(repr((*said, plan.subject.digest, plan.control_layer)).encode())
    for pictures in (plan.targets, plan.auxiliary):
        found.update(pictures.tobytes())
    return found.hexdigest()[:16]


class _Folder:
    """A store of rows as JSON files."""

    def __init__(self, folder: Path | None) -> None:
        """None keeps nothing."""
        self._folder = folder

    def load(self, name: str) -> Plain | None:
        """A row that an earlier run has left."""
        path = self._path(name)
        if path is None or not path.exists():
            return None
        found: Plain = json.loads(path.read_text())
        return found

    def save(self, name: str, cell: Plain, pictures: Levels | None) -> None:
        """Keeps a row, and tells that it is there."""
        del pictures
        path = self._path(name)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(cell, allow_nan=False))
        print(f"  {name}", flush=True)

    def _path(self, name: str) -> Path | None:
        return self._folder and self._folder / f"{name.replace('/', ' ')}.json"
