"""Attackers whose knowledge is known, seeds, and a defence that flatters itself."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from benchmarks.audit.claims import Claim, Line, Part, fve, limits, rung
from benchmarks.audit.material import LAYERS, Material
from preimage_worker.audit.inverter import Attempt, Found
from preimage_worker.audit.material import codes
from preimage_worker.audit.measures.grounds import LEAST_PICTURES
from preimage_worker.audit.measures.matching import Match, above_chance
from preimage_worker.audit.measures.verdict import Answer, Finding
from preimage_worker.audit.plain import to_json
from preimage_worker.audit.plan import AuditPlan, Levels
from preimage_worker.audit.profiles import QUICK, STANDARD
from preimage_worker.audit.records import Row, Utility
from preimage_worker.audit.releases import release
from preimage_worker.audit.run import run
from preimage_worker.inversion.defences.grammar import parse

Answers = Callable[[Attempt, int], Levels]
_HIDDEN = parse("gaussian:rel_rms=1000")
"""Leaves nothing to attackers that do not invert, so that the planted one decides."""


class Planted:
    """An inverter that returns what it is told to."""

    def __init__(self, answers: Answers) -> None:
        """Of an attempt, and the number of its target, the picture."""
        self._answers = answers

    def invert(self, attempts: Sequence[Attempt]) -> list[Found]:
        """With codes that came nearer."""
        return [
            Found(self._answers(each, int(each.name.split("/")[3])), 1.0, 0.1) for each in attempts
        ]


def measure(material: Material, options: argparse.Namespace) -> Part:
    """The part."""
    plan = material.plan(LEAST_PICTURES, ("layer2",), defences=_HIDDEN)
    mean = np.rint(plan.auxiliary.mean(0)).astype(np.uint8)

    def knows_nothing(attempt: Attempt, target: int) -> Levels:
        found: Levels = plan.targets[target] if attempt.layer == plan.control_layer else mean
        return found

    original = _only(plan, Planted(lambda _, target: plan.targets[target]))
    nothing = _only(plan, Planted(knows_nothing))
    single = replace(STANDARD, name="one step", steps=1, doublings=0)
    deep = material.plan(options.targets, ("fc",), profile=single, rungs=frozenset({"A2", "A3"}))
    hasty = _only(deep, material.inverter)
    lines = [_line("the original", original), _line("the mean picture", nothing)]
    lines.append(_line("a single step", hasty))
    claims = [
        *_of_original(original),
        *_of_nothing(nothing),
        Claim("a single step is inconclusive", hasty.verdict.finding is Finding.INCONCLUSIVE, ""),
    ]
    return Part(lines, [*claims, _same_seed(material), _held_out(material)])


def _only(plan: AuditPlan, inverter: object) -> Row:
    (row,) = run(plan, inverter).rows  # type: ignore[arg-type]
    return row


def _identified(row: Row) -> Match:
    found = rung(row, "A3").pixels
    assert isinstance(found, Match)
    return found


def _line(name: str, row: Row) -> Line:
    return {
        "attacker returns": name,
        "FVE": limits(fve(row, "A3")),
        "re-identified": limits(_identified(row).rank1),
        "verdict": row.label,
    }


def _of_original(row: Row) -> list[Claim]:
    return [
        Claim("the original: FVE 1", fve(row, "A3").estimate == 1, ""),
        Claim("the original: re-identification 1", _identified(row).rank1.estimate == 1, ""),
        Claim("the original: recovered", row.verdict.recovered is Answer.YES, row.label),
    ]


def _of_nothing(row: Row) -> list[Claim]:
    found = _identified(row)
    return [
        Claim(
            "the mean picture: FVE 0",
            fve(row, "A3").estimate < 0.001,
            f"{fve(row, 'A3').estimate:.6f}",
        ),
        Claim("the mean picture: no better than chance", not above_chance(found), ""),
        Claim("the mean picture: not recovered", row.verdict.recovered is Answer.NO, row.label),
    ]


def _same_seed(material: Material) -> Claim:
    """Two audits of one plan, made anew, with real inversions."""
    little = replace(QUICK, name="little", steps=5, doublings=1, control_pictures=2)
    reports = [
        to_json(
            run(
                material.plan(
                    4, ("relu1", "fc"), defences=parse("gaussian:rel_rms=0.3"), profile=little
                ),
                material.inverter,
            )
        )
        for _ in range(2)
    ]
    return Claim("the same seed gives the same JSON", reports[0] == reports[1], "")


def _held_out(material: Material) -> Claim:
    """Utility of a fitted defence as it is reported, and on the pictures that it was fitted to."""
    defence = parse("pca:components=256")
    plan = material.plan(LEAST_PICTURES, ("layer1",), defences=defence, rungs=frozenset({"L1"}))
    use = _only(plan, material.inverter).utility
    of_layer = codes(plan, LAYERS["layer1"])
    released = release(plan, of_layer, defence[0])
    rest = plan.subject.rest(LAYERS["layer1"])
    assert isinstance(use, Utility)
    assert rest is not None
    lifted = released.fitted.lift(released.auxiliary)
    own = float((rest(lifted).argmax(1) == rest(of_layer.auxiliary).argmax(1)).float().mean())
    return Claim(
        "PCA: utility is that on pictures outside its fit",
        use.value.upper < own,
        f"{limits(use.value)}; on its own pictures {own:.2f}",
    )
