"""The same attack on the same codes, stopped early and at its plateau."""

import argparse
from dataclasses import replace

from benchmarks.audit.cells import audit
from benchmarks.audit.claims import Claim, Line, Part, fve, limits, psnr
from benchmarks.audit.material import Material
from preimage_worker.audit.measures.verdict import Answer, Finding
from preimage_worker.audit.profiles import STANDARD
from preimage_worker.audit.records import Row

_INVERSIONS = frozenset({"A2", "A3"})
_PRESET = "mv2016"
"""The published recipe, which takes its time; "auto" recovers a shallow layer within 20 steps."""
_SHORT = replace(STANDARD, name="20 steps", steps=20, doublings=0)
_LONG = replace(STANDARD, name="to the plateau", prior_factors=(1e-3,), doublings=6)


def measure(material: Material, options: argparse.Namespace) -> Part:
    """The part: with few targets, since an absence is not what it is about."""
    count = max(1, options.targets // 2)
    stopped, many, whole = (
        _row(material, options, targets, profile=profile, preset=_PRESET, rungs=_INVERSIONS)
        for targets, profile in ((count, _SHORT), (options.targets, _SHORT), (count, _LONG))
    )
    everything = _row(material, options, count, profile=_SHORT, preset=_PRESET)
    lines = [
        _line("20 steps", count, stopped),
        _line("20 steps", options.targets, many),
        _line("20 steps, all rungs", count, everything),
        _line("to the plateau", count, whole),
    ]
    return Part(lines, _claims(stopped, many, everything, whole))


def _row(material: Material, options: argparse.Namespace, count: int, **changes: object) -> Row:
    (row,) = audit(
        material.plan(count, ("layer1",), **changes), material.inverter, options.cells
    ).rows
    return row


def _line(name: str, targets: int, row: Row) -> Line:
    assert row.plateau is not None
    return {
        "budget": name,
        "targets": targets,
        "steps": row.plateau.budgets[-1],
        "PSNR dB": f"{psnr(row, 'A3'):.1f}",
        "FVE": limits(fve(row, "A3")),
        "verdict": row.label,
        "recovered": row.verdict.recovered.value,
    }


def _claims(stopped: Row, many: Row, everything: Row, whole: Row) -> list[Claim]:
    short = (stopped, many)
    told = ", ".join(row.label for row in short)
    reached = psnr(whole, "A3")
    return [
        Claim(
            "20 steps are inconclusive",
            all(row.verdict.finding is Finding.INCONCLUSIVE for row in short),
            f"{told} at {psnr(stopped, 'A3'):.1f} and {psnr(many, 'A3'):.1f} dB",
        ),
        Claim(
            "20 steps never say that nothing was recovered",
            all(row.verdict.recovered is not Answer.NO for row in (*short, everything)),
            f"{told}; with all rungs {everything.label}",
        ),
        Claim(
            "to the plateau the same codes are recovered, 30 dB at least",
            whole.verdict.recovered is Answer.YES and reached >= 30,
            f"{whole.label} at {reached:.1f} dB",
        ),
    ]
