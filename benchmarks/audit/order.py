"""Layers of a ResNet-20 by what their codes give away, each attacked up to its plateau."""

import argparse
from dataclasses import replace

from benchmarks.audit.cells import audit
from benchmarks.audit.claims import Claim, Line, Part, fve, limits, psnr, rung
from benchmarks.audit.material import LAYERS, Material
from preimage_worker.audit.measures.matching import Match
from preimage_worker.audit.profiles import STANDARD
from preimage_worker.audit.records import AuditReport, Row

_PROFILE = replace(STANDARD, name="one prior", prior_factors=(1e-2,), doublings=5)
"""One strength of the priors in place of four, and 3,200 steps at most."""
_A = "A3"


def measure(material: Material, options: argparse.Namespace) -> Part:
    """The part."""
    plan = material.plan(options.targets, tuple(LAYERS), profile=_PROFILE)
    report = audit(plan, material.inverter, options.cells)
    rows = {name: _of(report, LAYERS[name]) for name in LAYERS}
    return Part([_line(name, row) for name, row in rows.items()], _claims(report, rows))


def _of(report: AuditReport, layer: str) -> Row:
    return next(row for row in report.rows if row.layer == layer)


def _error(row: Row) -> float:
    return row.attacks[-1].end_error or 0.0


def _line(name: str, row: Row) -> Line:
    attacker, plateau = rung(row, _A), row.plateau
    assert plateau is not None
    ssim, pixels = attacker.ssim, attacker.pixels
    return {
        "layer": name,
        "elements": row.code_elements,
        "feature error": f"{_error(row):.4f}",
        "PSNR dB": f"{psnr(row, _A):.1f}",
        "FVE": limits(fve(row, _A)),
        "over chance": limits(attacker.explained.over_chance),
        "SSIM": f"{ssim.mean.estimate:.2f}" if hasattr(ssim, "mean") else "",
        "rank-1": f"{pixels.rank1.estimate:.2f}" if isinstance(pixels, Match) else "",
        "ridge dB": f"{psnr(row, 'A1'):.1f}",
        "steps": plateau.budgets[-1],
        "plateau": plateau.reached,
        "verdict": row.label,
    }


def _claims(report: AuditReport, rows: dict[str, Row]) -> list[Claim]:
    found = {name: fve(row, _A).estimate for name, row in rows.items()}
    relu, one, two, three, _, fc = (found[name] for name in LAYERS)
    gained = {name: rung(rows[name], _A).explained.over_chance for name in ("pool", "fc")}
    apart = psnr(rows["relu1"], _A) - psnr(rows["fc"], _A)
    by_recovery = [row.layer for row in report.rows]
    by_error = [row.layer for row in sorted(report.rows, key=_error, reverse=True)]
    return [
        Claim("FVE: relu1 >= layer1 - 0.02", relu >= one - 0.02, f"{relu:.3f}, {one:.3f}"),
        Claim("FVE: layer1 > layer2", one > two, f"{one:.3f}, {two:.3f}"),
        Claim("FVE: layer2 > layer3 + 0.2", two > three + 0.2, f"{two:.3f}, {three:.3f}"),
        Claim("FVE: layer3 + 0.2 > fc", three + 0.2 > fc, f"{three:.3f}, {fc:.3f}"),
        *(
            Claim(
                f"FVE: the interval of {name} reaches down to 0.05, over chance too",
                fve(rows[name], _A).lower <= 0.05 and gain.lower <= 0.05,
                f"{limits(fve(rows[name], _A))}; over chance {limits(gain)}",
            )
            for name, gain in gained.items()
        ),
        Claim("relu1's PSNR is 15 dB above fc's", apart >= 15, f"{apart:.1f} dB"),
        Claim(
            "rows are ranked by recovery, which feature errors do not tell",
            by_recovery == sorted(by_recovery, key=lambda each: -_best(report, each))
            and by_recovery not in (by_error, by_error[::-1]),
            f"{' > '.join(by_recovery)}; by falling error {' > '.join(by_error)}",
        ),
    ]


def _best(report: AuditReport, layer: str) -> float:
    return fve(_of(report, layer), "best").estimate
