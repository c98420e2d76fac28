"""Gates: what a report must not show, as `--fail-if 'fve.p90>0.2'`.

A gate is the name of a figure, a comparison and a number. It is asked of every row, or with
`@LAYER/DEFENCE` of those whose name matches, and the worst one decides. A row whose verdict leaves
the question open cannot meet a gate, because a stronger attack might have shown more; nor can a
report in which a combination that the gate is about has no row.
"""

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum, IntEnum
from fnmatch import fnmatchcase
from typing import final

from preimage.audits.figures import figures_of
from preimage.audits.report import INCONCLUSIVE, AuditReport, AuditRow
from preimage.errors import BadInput

__all__ = ["Gate", "GateResult", "GateState", "Status", "read_gate", "status_of", "try_gates"]

_FORM = re.compile(
    r"\s*([a-z][\w.]*)\s*(>=|<=|>|<)\s*([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)\s*(?:@\s*(\S+)\s*)?"
)
_EVERYWHERE = "*"
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_NAMES = tuple(figures_of({}))
_LINKING = ("linkage", "reid")
_NOT_ATTACKED = ("utility", "gaussian_dp", "dfil", "unbiased", "van_trees")
"""How names begin whose figure the linkage half of a verdict is about, and those of no attack."""


@final
class GateState(Enum):
    """What became of a gate."""

    MET = "met"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


@final
class Status(IntEnum):
    """The exit code of gates together."""

    MET = 0
    FAILED = 2
    INCONCLUSIVE = 3


@final
@dataclass(frozen=True)
class Gate:
    """One condition under which a report fails."""

    name: str
    comparison: str
    limit: float
    where: str = _EVERYWHERE
    """Of which rows it is asked: a pattern of LAYER/DEFENCE, with * for anything."""

    def __str__(self) -> str:
        """As it is written."""
        where = "" if self.where == _EVERYWHERE else f"@{self.where}"
        return f"{self.name}{self.comparison}{self.limit:g}{where}"

    def covers(self, layer: str, defence: str) -> bool:
        """Whether it is asked of this row."""
        return fnmatchcase(f"{layer}/{defence}", self.where)

    def holds(self, value: float) -> bool:
        """Whether a figure fails it."""
        return _COMPARE[self.comparison](value, self.limit)


@final
@dataclass(frozen=True)
class GateResult:
    """What a report says to a gate."""

    gate: Gate
    state: GateState
    row: AuditRow | None
    """The worst row, or one that leaves it open; None where there is no such row."""
    untried: str = ""
    """What has no row, so that the gate is open; empty: that is not why."""

    @property
    def sentence(self) -> str:
        """For people."""
        said = f"{self.gate}: {self.state.value}"
        if self.untried:
            return f"{said}, because {self.untried}"
        if self.row is None:
            return f"{said}, because the report has no such row"
        value = self.row.figures[self.gate.name]
        found = "not measured" if value is None else f"{value:.4g}"
        where = f"{self.row.layer} with {self.row.defence}"
        if self.state is GateState.INCONCLUSIVE:
            return f"{said}: {where} is {found}, and leaves it open"
        return f"{said}; the worst is {found}, {where}"


def read_gate(text: str) -> Gate:
    """Reads "fve.p90>0.2" or "fve.p90>0.2@layer1/sign".

    Raises:
      BadInput: it is no gate, or names no figure.
    """
    match = _FORM.fullmatch(text)
    try:
        limit = float(match[3]) if match else None
    except ValueError:
        limit = None
    if match is None or limit is None:
        raise BadInput(
            f"{text!r} is no gate: write FIGURE>NUMBER, with >, >=, < or <=, like 'fve.p90>0.2', "
            "or FIGURE>NUMBER@LAYER/DEFENCE."
        )
    if match[1] not in _NAMES:
        near = get_close_matches(match[1], _NAMES, 3, cutoff=0.6)
        known = ", ".join(name for name in _NAMES if not name.endswith((".lower", ".upper")))
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {known}."
        raise BadInput(f"{text!r} names no figure {match[1]!r}; {hint}")
    return Gate(match[1], match[2], limit, match[4] or _EVERYWHERE)


def try_gates(report: AuditReport, gates: Sequence[Gate]) -> list[GateResult]:
    """Asks every gate of the rows that it is about."""
    return [_try(report, gate) for gate in gates]


def status_of(results: Sequence[GateResult]) -> Status:
    """The exit code: what failed comes before what is open."""
    states = {each.state for each in results}
    if GateState.FAILED in states:
        return Status.FAILED
    return Status.INCONCLUSIVE if GateState.INCONCLUSIVE in states else Status.MET


def _try(report: AuditReport, gate: Gate) -> GateResult:
    rows = [row for row in report.rows if gate.covers(row.layer, row.defence)]
    worst = _worst(rows, gate)
    if worst is not None and gate.holds(worst[0]):
        return GateResult(gate, GateState.FAILED, worst[1])
    unclear = next((row for row in rows if _is_open(row, gate.name)), None)
    untried = "" if unclear else _untried(report, gate)
    if unclear is not None or untried or worst is None:
        return GateResult(gate, GateState.INCONCLUSIVE, unclear, untried)
    return GateResult(gate, GateState.MET, worst[1])


def _untried(report: AuditReport, gate: Gate) -> str:
    """What was left out of the rows that a gate is about, in a sentence; empty: nothing."""
    pairs = zip(report.data.get("left_out", ()), report.left_out, strict=True)
    found = (
        said
        for each, said in pairs
        if gate.covers(str(each.get("layer")), str(each.get("defence")))
    )
    return next(found, "")


def _worst(rows: Sequence[AuditRow], gate: Gate) -> tuple[float, AuditRow] | None:
    values = [(value, row) for row in rows if (value := row.figures[gate.name]) is not None]
    choose = max if gate.comparison.startswith(">") else min
    return choose(values, key=lambda each: each[0], default=None)


def _is_open(row: AuditRow, name: str) -> bool:
    """Whether a row does not answer: not measured, or attacked too weakly to tell."""
    if row.figures[name] is None:
        return True
    if name.startswith(_NOT_ATTACKED):
        return False
    answer = row.linkable if name.startswith(_LINKING) else row.recovered
    return answer == INCONCLUSIVE
