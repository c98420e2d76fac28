"""report.csv: one line a row, under names that stay.

Columns are only ever added, at the end. A figure that is missing is an empty field. Names of layers
that a spreadsheet would take for a formula get an apostrophe in front.
"""

import csv
import io
from collections.abc import Iterator
from typing import Final, TypeVar

from preimage_worker.audit.measures.intervals import Interval
from preimage_worker.audit.measures.matching import Match
from preimage_worker.audit.measures.recovery import Missing
from preimage_worker.audit.measures.summary import Summary
from preimage_worker.audit.records import AuditReport, Bounds, Linkage, Row, Utility
from preimage_worker.audit.rendering.ladder import strongest, summaries

T = TypeVar("T")
Value = str | float | bool | None
Field = tuple[str, Value]
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
_KEYS: Final = {
    "FVE": "fve",
    "MSE": "mse",
    "PSNR in dB": "psnr_db",
    "SSIM": "ssim",
    "LPIPS": "lpips",
}


def to_csv(report: AuditReport) -> str:
    """The rows, from the one that gives away most."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    lines = [list(_fields(rank, row)) for rank, row in enumerate(report.rows, 1)]
    if lines:
        writer.writerow([name for name, _ in lines[0]])
    writer.writerows([[_text(value) for _, value in line] for line in lines])
    return file.getvalue()


def _fields(rank: int, row: Row) -> Iterator[Field]:
    yield from _identity(rank, row)
    yield from _recovery(row)
    yield from _matching(row)
    yield from _price(row)
    yield from _conduct(row)


def _identity(rank: int, row: Row) -> Iterator[Field]:
    yield "rank", rank
    yield "layer", row.layer
    yield "defence", row.defence
    yield "verdict", row.label
    yield "finding", row.verdict.finding.value
    yield "recovered", row.verdict.recovered.value
    yield "linkable", row.verdict.linkable.value
    yield "code_elements", row.code_elements
    yield "released_elements", row.released_elements
    yield "deterministic", row.deterministic
    yield "keyed", row.keyed


def _recovery(row: Row) -> Iterator[Field]:
    best = row.best
    yield "pictures", best.explained.fve.pictures
    for words, summary in summaries(best):
        yield from _summary(_KEYS[words], summary)
    yield from _interval("fve_over_chance", best.explained.over_chance)
    yield "fve_chance_mean", best.explained.chance_mean
    yield "fve_chance_worst_decile", best.explained.chance_worst_decile
    yield from _interval("class_agreement", _there(best.class_agreement))
    yield "best_of", "; ".join(f"{each.rung}: {each.pictures}" for each in row.best_of)


def _matching(row: Row) -> Iterator[Field]:
    for name, independent in (("reid_pixels", False), ("reid_independent", True)):
        found = strongest(row, independent=independent)
        yield f"{name}_rung", found.rung
        yield from _match(name, _there(found.match))
    linkage = row.linkage if isinstance(row.linkage, Linkage) else None
    yield from _match("linkage", linkage and linkage.match)
    yield "linkage_relative_noise", linkage and linkage.relative_noise


def _price(row: Row) -> Iterator[Field]:
    utility = row.utility if isinstance(row.utility, Utility) else None
    yield "utility_measure", utility and utility.measure
    yield from _interval("utility", utility and utility.value)
    yield "utility_chance", utility and utility.chance
    bounds = row.bounds if isinstance(row.bounds, Bounds) else None
    yield "bound_informative", bounds and bounds.informative
    yield "bound_dfil", bounds and bounds.dfil
    yield "bound_unbiased_mse", bounds and bounds.unbiased_mse
    yield "bound_van_trees_mse", bounds and bounds.van_trees_mse
    yield "bound_mean_picture_mse", bounds and bounds.mean_picture_mse
    yield "bound_probes", bounds and bounds.probes
    yield "gaussian_dp_mu", row.gaussian_dp


def _conduct(row: Row) -> Iterator[Field]:
    last = row.attacks[-1] if row.attacks else None
    yield "attack_rung", last and last.rung
    yield "feature_error_start", last and last.start_error
    yield "feature_error_end", last and last.end_error
    yield "feature_error_truth", last and last.truth_error
    yield "attack_pictures", last and last.pictures
    yield "attack_diverged", last and last.diverged
    yield "plateau_reached", row.plateau and row.plateau.reached
    yield "plateau_steps", row.plateau and row.plateau.budgets[-1]
    yield "reasons", " ".join(row.verdict.reasons)
    yield "notes", " ".join(row.notes)


def _summary(name: str, summary: Summary | Missing) -> Iterator[Field]:
    known = None if isinstance(summary, Missing) else summary
    yield from _interval(f"{name}_mean", known and known.mean)
    yield from _interval(f"{name}_median", known and known.median)
    yield from _interval(f"{name}_worst_decile", known and known.worst_decile)


def _match(name: str, match: Match | None) -> Iterator[Field]:
    yield from _interval(f"{name}_rank1", match and match.rank1)
    yield from _interval(f"{name}_rank5", match and match.rank5)
    yield from _interval(f"{name}_reciprocal_rank", match and match.reciprocal_rank)
    yield f"{name}_median_rank", match and match.median_rank
    yield f"{name}_queries", match and match.queries
    yield f"{name}_candidates", match and match.candidates
    yield f"{name}_chance1", match and match.chance1
    yield f"{name}_chance5", match and match.chance5
    yield f"{name}_chance_reciprocal_rank", match and match.chance_reciprocal_rank


def _interval(name: str, interval: Interval | None) -> Iterator[Field]:
    yield name, interval and interval.estimate
    yield f"{name}_lower", interval and interval.lower
    yield f"{name}_upper", interval and interval.upper


def _there(value: T | Missing) -> T | None:
    return None if isinstance(value, Missing) else value


def _text(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULAS) else value
    return repr(value)
