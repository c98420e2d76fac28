"""The verdict of a row (layer, defence, strength): what was recovered or linked, if anything.

The outcomes are not alike. That something was recovered needs no healthy attack: it was. It needs
two pictures, of which each gives the other's chance. That nothing was is a statement about the
attacks which were tried, and needs everything: enough pictures, a standard profile, attacks that
work, a budget at its plateau. Otherwise it is inconclusive. No verdict says that codes are safe.
"""

from dataclasses import dataclass
from enum import Enum
from typing import final

from preimage_worker.audit.measures import grounds
from preimage_worker.audit.measures.evidence import Conduct, Evidence
from preimage_worker.audit.measures.grounds import Sentences


@final
class Finding(Enum):
    """The verdict. The value is what a report calls it."""

    RECOVERED = "recovered"
    LINKABLE = "linkable"
    RECOVERED_AND_LINKABLE = "recovered and linkable"
    NOT_RECOVERED = "not recovered by the attacks listed"
    """Neither recovered nor linked."""
    INCONCLUSIVE = "inconclusive"


@final
class Answer(Enum):
    """To one of the two questions: were pictures recovered, were they linked."""

    YES = "yes"
    NO = "not by the attacks listed"
    INCONCLUSIVE = "inconclusive"


@final
@dataclass(frozen=True)
class Verdict:
    """The finding, its two halves, and the reasons."""

    finding: Finding
    recovered: Answer
    linkable: Answer
    reasons: Sentences
    """What was found, what was not, and why no more can be said: whole sentences."""

    @property
    def label(self) -> str:
        """The finding in a few words: "linkable, not recovered by the attacks listed"."""
        if self.finding is Finding.LINKABLE and self.recovered is Answer.NO:
            return f"{self.finding.value}, {Finding.NOT_RECOVERED.value}"
        return self.finding.value


def verdict(evidence: Evidence, conduct: Conduct) -> Verdict:
    """The verdict of one row, from every attack of its ladder and every way of linking."""
    complaints = grounds.against_absence(evidence, conduct)
    no_recovery = (*complaints, *grounds.against_no_recovery(evidence))
    no_linkage = (*complaints, *grounds.against_no_linkage(evidence))
    shown, linked = grounds.recovery(evidence), grounds.linkage(evidence.links)
    recovered, linkable = _answer(shown, no_recovery), _answer(linked, no_linkage)
    reasons = [*shown, *linked]
    if recovered is Answer.NO:
        reasons.append(grounds.no_recovery(evidence, conduct))
    if linkable is Answer.NO:
        reasons.extend(grounds.no_linkage(evidence.links))
    if recovered is Answer.INCONCLUSIVE:
        reasons.append("Whether pictures can be recovered is open.")
        reasons.extend(no_recovery)
    if linkable is Answer.INCONCLUSIVE:
        reasons.append("Whether they can be linked is open.")
        reasons.extend(no_linkage)
    return Verdict(
        finding=_finding(recovered, linkable),
        recovered=recovered,
        linkable=linkable,
        reasons=tuple(dict.fromkeys(reasons)),
    )


def _answer(found: Sentences, against_absence: Sentences) -> Answer:
    if found:
        return Answer.YES
    return Answer.INCONCLUSIVE if against_absence else Answer.NO


def _finding(recovered: Answer, linkable: Answer) -> Finding:
    if recovered is linkable is Answer.YES:
        return Finding.RECOVERED_AND_LINKABLE
    if recovered is Answer.YES:
        return Finding.RECOVERED
    if linkable is Answer.YES:
        return Finding.LINKABLE
    if recovered is linkable is Answer.NO:
        return Finding.NOT_RECOVERED
    return Finding.INCONCLUSIVE
