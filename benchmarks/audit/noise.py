"""Gaussian noise of growing strength: what it hides, whose code it is, and what is left of use."""

import argparse
from collections.abc import Sequence
from dataclasses import replace

from benchmarks.audit.cells import audit
from benchmarks.audit.claims import Claim, Line, Part, limits, psnr, rung
from benchmarks.audit.material import Material
from preimage_worker.audit.measures.grounds import LEAST_PICTURES
from preimage_worker.audit.measures.intervals import Interval
from preimage_worker.audit.measures.matching import Match
from preimage_worker.audit.profiles import STANDARD
from preimage_worker.audit.records import Bounds, Linkage, Row, Utility
from preimage_worker.inversion.defences.chain import Chain
from preimage_worker.inversion.defences.grammar import parse

_STRENGTHS = ("0.1", "0.3", "1", "3", "10")
_DEFENCES = (*parse("none"), *parse(f"gaussian:rel_rms={','.join(_STRENGTHS)}"))
_HIDING = parse("gaussian:rel_rms=30")
_AT_THE_EDGE = parse("gaussian:rel_rms=10")
"""Of five draws of squares, one may tell of recovery and four may not."""
_PROFILE = replace(STANDARD, name="three priors", prior_factors=(1e-2, 1e-1, 1.0), doublings=3)
"""Three strengths of the priors in place of four, and 800 steps at most."""
_HIDDEN = "linkable, not recovered by the attacks listed"


def measure(material: Material, options: argparse.Namespace) -> Part:
    """The part."""
    few = material.plan(options.targets, ("layer1",), defences=_DEFENCES, profile=_PROFILE)
    shallow = _in_order(audit(few, material.inverter, options.cells).rows)
    (hidden,) = _of_many(material, _HIDING, options)
    seeds = range(options.seed, options.seed + options.draws)
    edge = [_of_many(material.drawn(seed), _AT_THE_EDGE, options)[0] for seed in seeds]
    linking = material.plan(
        LEAST_PICTURES,
        ("pool",),
        defences=_DEFENCES,
        rungs=frozenset({"L1"}),
        profile=replace(_PROFILE, probes=1),
    )
    pooled = _in_order(audit(linking, material.inverter, options.cells).rows)
    lines = [_line("layer1", row, options.targets) for row in shallow]
    lines += [_line("layer1", row, LEAST_PICTURES) for row in (*edge, hidden)]
    lines += [_line("pool", row, LEAST_PICTURES) for row in pooled]
    claims = [*_shallow_claims(shallow), hides_mostly(edge), _hides(hidden)]
    return Part(lines, [*claims, *_pooled_claims(pooled)])


def _of_many(
    material: Material, defences: tuple[Chain, ...], options: argparse.Namespace
) -> tuple[Row, ...]:
    plan = material.plan(LEAST_PICTURES, ("layer1",), defences=defences)
    return audit(plan, material.inverter, options.cells).rows


def _in_order(rows: Sequence[Row]) -> list[Row]:
    names = ["none", *(f"gaussian:rel_rms={each}" for each in _STRENGTHS)]
    return sorted(rows, key=lambda row: names.index(row.defence))


def _line(layer: str, row: Row, targets: int) -> Line:
    inverted, bounds = bool(row.attacks), row.bounds
    return {
        "layer": layer,
        "noise / RMS": _strength(row),
        "targets": targets,
        "utility": limits(_use(row)),
        "MSE": limits(_mse(row)) if inverted else "",
        "PSNR dB": f"{psnr(row, 'best'):.1f}" if inverted else "",
        **_bounded(bounds),
        "linkage": limits(_linkage(row).rank1),
        "verdict": row.label if inverted else "",
    }


def _strength(row: Row) -> str:
    return row.defence.partition("=")[2] or "0"


def _bounded(bounds: object) -> Line:
    if not isinstance(bounds, Bounds):
        return {"1/dFIL": "", "van Trees": "", "informative": ""}
    unbiased = bounds.unbiased_mse
    return {
        "1/dFIL": "infinite" if unbiased is None else f"{unbiased:.3g}",
        "van Trees": f"{bounds.van_trees_mse:.3g}",
        "informative": bounds.informative,
    }


def _use(row: Row) -> Interval:
    assert isinstance(row.utility, Utility)
    return row.utility.value


def _mse(row: Row) -> Interval:
    return rung(row, "best").mse.mean


def _linkage(row: Row) -> Match:
    assert isinstance(row.linkage, Linkage)
    return row.linkage.match


def _shallow_claims(rows: Sequence[Row]) -> list[Claim]:
    errors, uses = [_mse(row) for row in rows], [_use(row) for row in rows]
    strongest = rows[-1].bounds
    return [
        Claim("layer1: MSE rises with the noise, within intervals", rises(errors), _all(errors)),
        Claim("layer1: utility falls, within intervals", rises(uses[::-1]), _all(uses)),
        Claim(
            "layer1: at 10 the unbiased bound is not informative",
            isinstance(strongest, Bounds) and not strongest.informative,
            f"{strongest}",
        ),
        Claim(
            "layer1: without noise there is no bound", not isinstance(rows[0].bounds, Bounds), ""
        ),
    ]


def _hides(row: Row) -> Claim:
    return Claim(
        f"layer1: at {_strength(row)} linkable, not recovered",
        row.label == _HIDDEN,
        f"{row.label}; {' '.join(row.verdict.reasons)}",
    )


def hides_mostly(draws: Sequence[Row]) -> Claim:
    """Chance decides of a draw where what is recovered is as much as may be: so of several."""
    hidden = sum(row.label == _HIDDEN for row in draws)
    gains = (rung(row, "A3").explained.over_chance for row in draws)
    found = zip(gains, draws, strict=True)
    return Claim(
        f"layer1: at {_strength(draws[0])} linkable, not recovered, in most draws",
        2 * hidden > len(draws),
        f"in {hidden} of {len(draws)}; FVE over chance "
        + "; ".join(f"{limits(gain)}: {row.label}" for gain, row in found),
    )


def _pooled_claims(rows: Sequence[Row]) -> list[Claim]:
    rates = [_linkage(row).rank1 for row in rows]
    chance = _linkage(rows[-1]).chance1
    return [
        Claim("pool: linkage falls, within intervals", rises(rates[::-1]), _all(rates)),
        Claim("pool: linkage is 1 without noise", rates[0].estimate == 1, limits(rates[0])),
        Claim(
            "pool: linkage is at chance at 10",
            rates[-1].lower <= chance,
            f"{limits(rates[-1])}, chance {chance:.3g}",
        ),
    ]


def rises(values: Sequence[Interval]) -> bool:
    """Whether no value is below an earlier one for certain, and the last is above the first."""
    pairs = ((a, b) for i, a in enumerate(values) for b in values[i + 1 :])
    return all(b.upper >= a.lower for a, b in pairs) and values[-1].lower > values[0].upper


def _all(values: Sequence[Interval]) -> str:
    return ", ".join(f"{each.estimate:.3g}" for each in values)
