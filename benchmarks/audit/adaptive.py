"""What it is worth to an attacker to know the defence."""

import argparse
from dataclasses import replace

from benchmarks.audit.cells import audit
from benchmarks.audit.claims import Claim, Line, Part, psnr
from benchmarks.audit.material import Material
from preimage_worker.audit.profiles import STANDARD
from preimage_worker.audit.records import Row
from preimage_worker.inversion.defences.grammar import parse

_PROFILE = replace(
    STANDARD, name="1,000 steps", steps=1000, doublings=0, prior_factors=(1e-2, 1e-1)
)
_ASKED = {"pool:k=2": 1.5, "topk:fraction=0.1": 1.0}
"""Gain in dB by knowing the defence, at least."""
_DEFENCES = (*_ASKED, "quantise:bits=4")
"""The last one is attacked better by who takes the codes for clean ones."""


def measure(material: Material, options: argparse.Namespace) -> Part:
    """The part."""
    plan = material.plan(
        max(1, options.targets // 2),
        ("layer1",),
        defences=tuple(chain for each in _DEFENCES for chain in parse(each)),
        profile=_PROFILE,
        rungs=frozenset({"A2", "A3", "A4"}),
    )
    rows = {row.defence: row for row in audit(plan, material.inverter, options.cells).rows}
    gains = [
        Claim(
            f"{name}: knowing it gains {least} dB at least",
            _knowing(rows[name]) - psnr(rows[name], "A3") >= least,
            f"{psnr(rows[name], 'A3'):.1f} to {_knowing(rows[name]):.1f} dB",
        )
        for name, least in _ASKED.items()
    ]
    best = Claim(
        "the best of all is never below one of them",
        all(_best_is_best(row) for row in rows.values()),
        ", ".join(f"{psnr(row, 'best'):.1f}" for row in rows.values()),
    )
    return Part([_line(rows[name]) for name in _DEFENCES], [best, *gains])


def _best_is_best(row: Row) -> bool:
    return all(psnr(row, "best") >= psnr(row, each.name) for each in row.rungs)


def _knowing(row: Row) -> float:
    """Of the better reading, one for all pictures."""
    return max(psnr(row, each.name) for each in row.rungs if each.name.startswith("A4"))


def _line(row: Row) -> Line:
    found = {each.name: f"{psnr(row, each.name):.1f}" for each in row.rungs if each.name[0] == "A"}
    return {
        "defence": row.defence,
        "naive dB": found["A3"],
        "knowing dB": found["A4"],
        "weighing dB": found.get("A4 weighing", ""),
        "best dB": f"{psnr(row, 'best'):.1f}",
        "served best": ", ".join(f"{each.rung} {each.pictures}" for each in row.best_of),
    }
