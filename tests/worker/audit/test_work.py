"""How much a plan asks for, against what is then done."""

from dataclasses import replace

from preimage_worker.audit.run import run
from preimage_worker.audit.work import work
from preimage_worker.inversion.defences.grammar import parse
from tests.worker.audit import planted, subjects
from tests.worker.audit.planted import Planted

DEFENCES = (*parse("none"), *parse("gaussian:rel_rms=1"), *parse("pool:k=2"))


def test_the_most_that_is_said_is_what_an_audit_takes_that_never_stops_early() -> None:
    plan = subjects.plan(layers=("2", "1"), defences=DEFENCES)
    inverter = Planted(planted.noisy(plan, lambda each: 4000 / each.steps))
    run(plan, inverter)
    said = work(plan)
    assert [(each.layer, each.cells) for each in said] == [("0", 1), ("2", 3), ("1", 3)]
    assert sum(each.attempts_most for each in said) == len(inverter.names)
    steps = sum(each.steps for some in inverter.sets for each in some)
    others = 3 + 8 + 2 * (6 + 8) + 2 * 6 * plan.profile.probes
    assert sum(each.passes_most for each in said) == steps + others


def test_the_least_is_that_of_the_first_budgets() -> None:
    plan = subjects.plan()
    (_, row) = work(plan)
    assert row.passes_least == 14 + 6 * 2 * 1
    assert row.passes_most == 14 + 6 * 2 * (1 + 2 + 4)


def test_where_nothing_is_inverted_there_is_no_control() -> None:
    (row,) = work(replace(subjects.plan(), rungs=frozenset({"L1"})))
    assert (row.attempts_most, row.passes_most) == (0, 14)
