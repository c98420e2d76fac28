"""A whole audit: its report, and what is left of one that was stopped."""

import json
from collections.abc import Sequence

import pytest

from preimage_worker.audit.errors import PlanError
from preimage_worker.audit.in_process import LaneInverter
from preimage_worker.audit.inverter import Attempt, Found
from preimage_worker.audit.plain import Plain, from_plain, to_json
from preimage_worker.audit.plan import AuditPlan, Levels
from preimage_worker.audit.records import AuditReport
from preimage_worker.audit.run import run
from preimage_worker.audit.threats import A5
from preimage_worker.inversion.defences.grammar import parse
from tests.worker.audit import planted, subjects
from tests.worker.audit.planted import Answer, Planted

DEFENCES = (*parse("gaussian:rel_rms=0.5"), *parse("pool:k=2+quantise:bits=3"))
PLAN = subjects.plan(layers=("0", "2"), defences=DEFENCES)
INVERTER = LaneInverter(PLAN.subject.representation)


class Kept:
    """A store in memory, of JSON."""

    def __init__(self) -> None:
        self.cells: dict[str, str] = {}
        self.pictures: dict[str, Levels] = {}

    def load(self, name: str) -> Plain | None:
        found: Plain = json.loads(self.cells[name]) if name in self.cells else None
        return found

    def save(self, name: str, cell: Plain, pictures: Levels | None) -> None:
        self.cells[name] = json.dumps(cell)
        if pictures is not None:
            self.pictures[name] = pictures


class KilledError(Exception):
    pass


class Dying(Planted):
    """Does not survive one of the sets of attempts."""

    def __init__(self, answer: Answer, last: int) -> None:
        super().__init__(answer)
        self.last = last

    def invert(self, attempts: Sequence[Attempt]) -> list[Found]:
        if len(self.sets) == self.last:
            raise KilledError
        return super().invert(attempts)


class Misleading(Planted):
    """The worse its pictures are, the nearer are their codes, by what it says."""

    def __init__(self, plan: AuditPlan, strength: dict[str, float]) -> None:
        super().__init__(planted.noisy(plan, lambda each: strength[each.layer]))
        self.strength = strength

    def invert(self, attempts: Sequence[Attempt]) -> list[Found]:
        self.end_error = 1 / (1 + self.strength[attempts[0].layer])
        return super().invert(attempts)


@pytest.fixture(scope="module")
def report() -> AuditReport:
    return run(PLAN, INVERTER)


def test_there_is_a_row_for_every_layer_and_defence(report: AuditReport) -> None:
    names = {(row.layer, row.defence) for row in report.rows}
    assert len(report.rows) == len(names) == 4
    assert ("2", "pool:k=2+quantise:bits=3") in names


def test_the_same_seed_gives_the_same_json_and_another_does_not(report: AuditReport) -> None:
    text = to_json(report)
    again = run(
        subjects.plan(layers=("0", "2"), defences=DEFENCES),
        INVERTER,
    )
    assert to_json(again) == text
    other = subjects.plan(layers=("0",), defences=DEFENCES[:1], seed=1)
    (row,) = run(other, INVERTER).rows
    assert row not in report.rows


def test_a_report_comes_back_from_its_json(report: AuditReport) -> None:
    assert from_plain(AuditReport, json.loads(to_json(report))) == report


def test_a_report_says_what_it_is_of_and_what_was_not_tried(report: AuditReport) -> None:
    assert report.model.digest == "digest of small"
    assert report.targets.count == 6
    assert len(report.targets.digest) == 64
    assert report.targets.digest != report.auxiliary.digest
    assert report.rungs == ("B0", "B1", "L1", "A1", "A2", "A3", "A4")
    assert A5 in report.threat_model.not_tried
    assert {each.name for each in report.versions} >= {"engine", "preimage"}


def test_the_owners_key_is_in_no_report() -> None:
    plan = subjects.plan(key=987654321, defences=parse("projection:dimensions=8,keyed=true"))
    report = run(plan, Planted(planted.original(plan)))
    assert report.rows[0].keyed
    assert "987654321" not in to_json(report)


def test_rows_are_ranked_by_recovery_and_not_by_the_error_of_codes() -> None:
    plan = subjects.plan(layers=("2", "3", "4"))
    rows = run(plan, Misleading(plan, {"0": 0.0, "2": 90.0, "3": 1.0, "4": 20.0})).rows
    assert [row.layer for row in rows] == ["3", "4", "2"]
    errors = [row.attacks[0].end_error or 0 for row in rows]
    assert errors == sorted(errors, reverse=True)


def test_an_audit_that_was_stopped_goes_on_with_its_next_cell() -> None:
    whole, store = Planted(planted.original(PLAN)), Kept()
    expected = run(PLAN, whole)
    dying = Dying(planted.original(PLAN), len(whole.sets) - 2)
    with pytest.raises(KilledError):
        run(PLAN, dying, store)
    assert "control" in store.cells
    assert 1 <= len(store.pictures) < 4
    rest = Planted(planted.original(PLAN))
    assert to_json(run(PLAN, rest, store)) == to_json(expected)
    assert dying.names + rest.names == whole.names
    assert len(store.pictures) == 4


def test_the_best_pictures_go_to_the_store_alone(report: AuditReport) -> None:
    store = Kept()
    run(PLAN, Planted(planted.original(PLAN)), store)
    for pictures in store.pictures.values():
        assert (pictures == PLAN.targets).all()
    assert "pictures" not in json.loads(to_json(report))["rows"][0]


def test_a_defence_that_is_not_for_a_layer_leaves_that_cell_out_with_the_reason() -> None:
    plan = subjects.plan(layers=("2", "3"), defences=DEFENCES, rungs=frozenset({"L1"}))
    report = run(plan, Planted(planted.original(plan)))
    (left,) = report.left_out
    assert (left.layer, left.defence) == ("3", "pool:k=2+quantise:bits=3")
    assert "at least as many rows and columns" in left.reason
    assert len(report.rows) == 3


def test_a_cell_that_is_left_out_is_done_as_well_and_stays_so() -> None:
    plan = subjects.plan(layers=("3", "2"), defences=DEFENCES, rungs=frozenset({"L1"}))
    store = Kept()
    report = run(plan, Planted(planted.original(plan)), store)
    assert len(store.cells) == 4
    assert len(store.pictures) == 3
    again = run(plan, Planted(planted.original(plan)), store)
    assert again.left_out
    assert to_json(again) == to_json(report)


def test_a_plan_without_any_cell_is_refused() -> None:
    plan = subjects.plan(layers=("3",), defences=DEFENCES[1:])
    with pytest.raises(PlanError, match="No defence is for any of the layers: pool with k=2 needs"):
        run(plan, Planted(planted.original(plan)))
