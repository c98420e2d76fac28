"""The answer in plain sentences: what is given away, and which defence buys what.

The sentences lean on verdicts only, never on a figure alone, so that they say no more than the rows
do.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, final

from preimage_worker.audit.measures.matching import Match, above_chance
from preimage_worker.audit.measures.verdict import Answer, Finding
from preimage_worker.audit.records import AuditReport, LeftOut, Linkage, Row, Utility
from preimage_worker.audit.rendering.figures import counted, decibels, listed, percent, score

NONE: Final = "none"
"""The defence of codes that are shared as they are."""
_OPEN: Final = "Whether "


@final
@dataclass(frozen=True)
class _Question:
    """One of the two questions, in the words of its answers."""

    absent: str
    found: str
    still: str


_RECOVERY: Final = _Question(
    "recovered no picture", "pictures can be recovered", "pictures are still recovered"
)
_LINKAGE: Final = _Question("linked no code", "codes can be linked", "codes are still linked")


def in_brief(report: AuditReport) -> tuple[str, ...]:
    """The whole report in a few sentences."""
    rows = report.rows
    if not rows:
        return ("No row was audited.",)
    return (
        _tally(report),
        *_extremes(rows),
        *_most_usable(rows),
        *_linkage_outlives(rows),
        *_linked_and_open(rows),
        *_nothing_found(rows),
        *_why_open(rows),
        *_not_tried(report.left_out),
    )


def of_layer(rows: Sequence[Row]) -> tuple[str, ...]:
    """What one layer gives away, and what its defences stopped."""
    bare = next((row for row in rows if row.defence == NONE), None)
    defended = [row for row in rows if row.defence != NONE]
    return (
        *(_undefended(bare) if bare else ()),
        *_stopped(_RECOVERY, defended, [row.verdict.recovered for row in defended]),
        *_stopped(_LINKAGE, defended, [row.verdict.linkable for row in defended]),
    )


def _not_tried(left_out: Sequence[LeftOut]) -> list[str]:
    """Cells without a row."""
    return [f"“{each.defence}” was not tried on “{each.layer}”: {each.reason}" for each in left_out]


def named(row: Row) -> str:
    """A row in a sentence."""
    return f"“{row.layer}” {under(row)}"


def under(row: Row) -> str:
    """A row's defence in a sentence."""
    return "without a defence" if row.defence == NONE else f"under {row.defence}"


def recovery(row: Row) -> str:
    """The headline of a row."""
    explained = row.best.explained
    return (
        f"{percent(explained.fve.mean.estimate)} of what tells the pictures from the mean picture "
        f"(FVE {score(explained.fve.mean.estimate)}, {score(explained.over_chance.estimate)} over "
        f"chance; {decibels(row.best.psnr_db.mean.estimate)})"
    )


def _tally(report: AuditReport) -> str:
    rows = report.rows
    recovered = sum(row.verdict.recovered is Answer.YES for row in rows)
    linkable = sum(row.verdict.linkable is Answer.YES for row in rows)
    return (
        f"{counted(len(rows), 'combination')} of layer and defence "
        f"{'was' if len(rows) == 1 else 'were'} attacked, on "
        f"{counted(report.targets.count, 'picture')}: pictures were recovered in {recovered}, and "
        f"codes could be linked to their pictures in {linkable}."
    )


def _extremes(rows: Sequence[Row]) -> tuple[str, ...]:
    """Of the rows in which pictures were recovered: a figure of another may be all chance."""
    found = [row for row in rows if row.verdict.recovered is Answer.YES]
    if not found:
        return ()
    most, least = found[0], found[-1]
    first = f"Most was recovered from {named(most)}: {recovery(most)}."
    if len(found) == 1:
        return (first,)
    where = "Least" if len(found) == len(rows) else "Least, where pictures were recovered at all,"
    return (first, f"{where} from {named(least)}: {recovery(least)}.")


def _most_usable(rows: Sequence[Row]) -> tuple[str, ...]:
    """Of the defences under which nothing was recovered where something is without one."""
    given_away = {
        row.layer for row in rows if row.defence == NONE and row.verdict.recovered is Answer.YES
    }
    defended = [row for row in rows if row.defence != NONE and row.layer in given_away]
    ended = [row for row in defended if row.verdict.recovered is Answer.NO]
    if not defended:
        return ()
    if not ended:
        sentence = (
            "Where undefended codes give pictures away, no defence that was tried was shown to "
            "stop that."
        )
        return (sentence,)
    best = max(ended, key=usable)
    linkable = {
        Answer.YES: "its codes can still be linked",
        Answer.NO: "the attacks listed linked no code of it",
        Answer.INCONCLUSIVE: "whether its codes can be linked is open",
    }[best.verdict.linkable]
    most = len(ended) > 1 and isinstance(best.utility, Utility)
    sentence = (
        f"Where undefended codes give pictures away, the attacks listed recovered none in "
        f"{len(ended)} of {counted(len(defended), 'defended row')}: "
        f"{'most usable, ' if most else ''}{named(best)}{kept(best)}; {linkable}."
    )
    return (sentence,)


def usable(row: Row) -> float:
    """The utility of a row, for sorting: the unknown one comes last."""
    return row.utility.value.estimate if isinstance(row.utility, Utility) else -1.0


def _linkage_outlives(rows: Sequence[Row]) -> tuple[str, ...]:
    found = [
        row
        for row in rows
        if row.verdict.linkable is Answer.YES and row.verdict.recovered is Answer.NO
    ]
    if not found:
        return ()
    example = max(found, key=_linkage)
    told = _told(example)
    rate = f", in {percent(told.rank1.estimate)} of cases" if told else ""
    sentence = (
        f"Linkage outlives recovery in {counted(len(found), 'row')}: no picture was shown to be "
        f"recovered from {named(example)}, but who has a candidate can still tell whether a code "
        f"is of it{rate}."
    )
    return (sentence,)


def _linked_and_open(rows: Sequence[Row]) -> tuple[str, ...]:
    """An attack may have come far without a verdict: that is no recovery which has ended."""
    found = [
        row
        for row in rows
        if row.verdict.linkable is Answer.YES and row.verdict.recovered is Answer.INCONCLUSIVE
    ]
    if not found:
        return ()
    words = listed([named(row) for row in found])
    return (f"Codes can be linked, and whether pictures can be recovered is open: {words}.",)


def _linkage(row: Row) -> float:
    return row.linkage.match.rank1.estimate if isinstance(row.linkage, Linkage) else 0.0


def _nothing_found(rows: Sequence[Row]) -> tuple[str, ...]:
    found = [row for row in rows if row.verdict.finding is Finding.NOT_RECOVERED]
    if not found:
        return ("No row was shown to give nothing away.",)
    words = listed([f"{named(row)}{kept(row)}" for row in found])
    return (f"The attacks listed found neither recovery nor linkage for {words}.",)


def _why_open(rows: Sequence[Row]) -> tuple[str, ...]:
    found = [row for row in rows if row.verdict.finding is Finding.INCONCLUSIVE]
    if not found:
        return ()
    reasons = Counter(each for row in found for each in row.verdict.reasons)
    telling = [each for each in reasons.most_common() if not each[0].startswith(_OPEN)]
    why = f" The commonest reason: {telling[0][0]}" if telling else ""
    verb = "is" if len(found) == 1 else "are"
    sentence = (
        f"{counted(len(found), 'row')} {verb} inconclusive, which is no absence: "
        f"{listed([named(row) for row in found])}.{why}"
    )
    return (sentence,)


def kept(row: Row) -> str:
    """The utility of a row, in brackets."""
    if not isinstance(row.utility, Utility):
        return ""
    return f" (utility {percent(row.utility.value.estimate)})"


def _undefended(row: Row) -> tuple[str, ...]:
    recovered = {
        Answer.YES: f"Without a defence pictures are recovered: {recovery(row)}.",
        Answer.NO: "Without a defence no picture was recovered by the attacks listed.",
        Answer.INCONCLUSIVE: "Whether pictures are recovered without a defence is open.",
    }[row.verdict.recovered]
    match = _told(row)
    rate = (
        f": the right one of {match.candidates} candidates in {percent(match.rank1.estimate)} of "
        f"cases, by chance in {percent(match.chance1)}"
        if match
        else ""
    )
    linked = {
        Answer.YES: f"Undefended codes can be linked to their pictures{rate}.",
        Answer.NO: f"Undefended codes were not linked by the attacks listed{rate}.",
        Answer.INCONCLUSIVE: f"Whether undefended codes can be linked is open{rate}.",
    }[row.verdict.linkable]
    return (recovered, linked)


def _told(row: Row) -> Match | None:
    """Linkage, unless the verdict of linkable rests on something else."""
    if not isinstance(row.linkage, Linkage):
        return None
    match = row.linkage.match
    rests = row.verdict.linkable is not Answer.YES or above_chance(match)
    return match if rests else None


def _stopped(what: _Question, rows: Sequence[Row], answers: Sequence[Answer]) -> Iterator[str]:
    """Under which defences the answer is which."""
    pairs = list(zip(rows, answers, strict=True))
    ended = [f"{row.defence}{kept(row)}" for row, answer in pairs if answer is Answer.NO]
    left = [row.defence for row, answer in pairs if answer is Answer.INCONCLUSIVE]
    still = [row.defence for row, answer in pairs if answer is Answer.YES]
    if ended:
        yield f"Under {listed(ended)} the attacks listed {what.absent}."
    if left:
        yield f"Under {listed(left)} it is open whether {what.found}."
    if still:
        others = f"the other {len(still)}" if ended or left else "every defence that was tried"
        yield f"{what.still.capitalize()} under {listed(still) if len(still) == 1 else others}."
