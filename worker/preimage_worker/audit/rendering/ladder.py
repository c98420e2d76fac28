"""The ladder of a row, rung after rung, with what each attacker needs; absent rungs say so."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, final

from preimage_worker.audit.measures.matching import Match
from preimage_worker.audit.measures.recovery import Missing
from preimage_worker.audit.measures.summary import Summary
from preimage_worker.audit.records import Linkage, Row, RungReport

NEEDS: Final = {
    "B0": "nothing",
    "B1": "the model; other pictures",
    "L1": "the model; candidates, the right one among them",
    "A1": "the model; other pictures, and their codes under the defence",
    "A2": "the model with its weights",
    "A3": "the model with its weights; ten times the computing",
    "A4": "the model with its weights; ten times the computing; the defence",
    "A5": "many more pictures, or a generative model; more computing",
}
"""What an attacker of each rung has to have."""
_MATCHED: Final = ("A1", "A3", "A4")
"""Whose re-identification counts in a verdict, so that no other is shown beside one."""
_LINKER: Final = "Looks for the code among those of candidates, and says whose it is."
_A5: Final = "Would learn a decoder from many pictures, or use a generative prior."
_NOT_CLIMBED: Final = "Not climbed in this audit."
_NOTHING_OWN: Final = "Has no figures of its own here; the notes of the row say why."
_NOT_BUILT: Final = "Not built, so not tried."


@final
@dataclass(frozen=True)
class Step:
    """A rung of one row."""

    code: str
    """Such as "A3"."""
    name: str
    """The same, for B0 with what was guessed."""
    needs: str
    attacker: str
    report: RungReport | None
    match: Match | None
    """Of L1."""
    served: int
    """Pictures that it served best."""
    absent: str
    """Why there is neither a report nor a match; else empty."""


@final
@dataclass(frozen=True)
class Found:
    """A way in which pictures or codes were matched."""

    rung: str
    words: str
    match: Match | Missing


def steps(row: Row, climbed: tuple[str, ...]) -> tuple[Step, ...]:
    """From B0 to A5."""
    return tuple(step for code in NEEDS for step in _of(code, row, climbed))


def _of(code: str, row: Row, climbed: tuple[str, ...]) -> Iterator[Step]:
    needs = NEEDS[code]
    if code == "L1" and isinstance(row.linkage, Linkage):
        yield Step(code, code, needs, _LINKER, None, row.linkage.match, 0, "")
        return
    reports = [each for each in row.rungs if rung_code(each) == code]
    served = {share.rung: share.pictures for share in row.best_of}
    for each in reports:
        count = served.get(each.name, 0)
        yield Step(code, each.name, needs, each.attacker, each, None, count, "")
    if not reports:
        attacker = {"L1": _LINKER, "A5": _A5}.get(code, "")
        yield Step(code, code, needs, attacker, None, None, 0, _absence(code, row, climbed))


def _absence(code: str, row: Row, climbed: tuple[str, ...]) -> str:
    if code == "A5":
        return _NOT_BUILT
    if code == "L1" and isinstance(row.linkage, Missing):
        return row.linkage.reason
    return _NOTHING_OWN if code in climbed else _NOT_CLIMBED


def rung_code(report: RungReport) -> str:
    """`B0` of "B0 mean picture"."""
    return report.name.split()[0]


def summaries(report: RungReport) -> tuple[tuple[str, Summary | Missing], ...]:
    """Every figure of a rung that is a summary over pictures, with its name."""
    return (
        ("FVE", report.explained.fve),
        ("MSE", report.mse),
        ("PSNR in dB", report.psnr_db),
        ("SSIM", report.ssim),
        ("LPIPS", report.lpips),
    )


def matches(row: Row) -> tuple[Found, ...]:
    """Linkage, and every rung's re-identification."""
    linked = row.linkage.match if isinstance(row.linkage, Linkage) else row.linkage
    found = [Found("L1", "Linkage of the code", linked)]
    for each in (*row.rungs, row.best):
        found.append(Found(each.name, "Re-identification in pixels", each.pixels))
        found.append(
            Found(each.name, "Re-identification by the independent model", each.independent)
        )
    return tuple(found)


def strongest(row: Row, *, independent: bool) -> Found:
    """The re-identification that succeeded most often, of those that verdicts count."""
    words = "the independent model" if independent else "pixels"
    attacks = [each for each in row.rungs if rung_code(each) in _MATCHED]
    named = [(each.name, each.independent if independent else each.pixels) for each in attacks]
    found = [(name, match) for name, match in named if isinstance(match, Match)]
    if found:
        name, match = max(found, key=lambda pair: pair[1].rank1.estimate)
        return Found(name, words, match)
    reasons = [match for _, match in named if isinstance(match, Missing)]
    return Found("", words, reasons[0] if reasons else Missing("No attack that recovers was run."))
