"""One row: a layer under a defence, from what is released to the verdict.

Attacks count towards recovery that make a picture of the target's code: A1 to A4. B1 shows another
picture, the one with the nearest code, and how much that explains of the target says how alike
pictures with near codes are. It is reported as the baseline that it is, and leads to no verdict:
under noise of ten times the codes' own size at a shallow layer, where inversions and decoders are
left with the mean picture, the nearest code still is that of a picture as bright.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import final

from preimage_worker.audit.aims import ADAPTIVE, NAIVE, WEIGHING, nothing_to_know
from preimage_worker.audit.appraisal import BEST, Appraised, appraise, best_of
from preimage_worker.audit.inverted import Inverted, invert
from preimage_worker.audit.inverter import Inverter
from preimage_worker.audit.material import Codes, Material
from preimage_worker.audit.measures import grounds
from preimage_worker.audit.measures.evidence import Conduct, Evidence, Link, Rung
from preimage_worker.audit.measures.health import Health
from preimage_worker.audit.measures.matching import Match
from preimage_worker.audit.measures.pictures import to_levels
from preimage_worker.audit.measures.recovery import Missing
from preimage_worker.audit.measures.verdict import verdict
from preimage_worker.audit.plan import RUNGS, AuditPlan, Levels
from preimage_worker.audit.promises import promises
from preimage_worker.audit.records import Control, Linkage, Row, RungReport
from preimage_worker.audit.releases import Released, release
from preimage_worker.audit.unaided import baseline_rungs, learnt_rungs, linkage
from preimage_worker.audit.utility import utility
from preimage_worker.inversion.defences.chain import Chain

_MATCHED = ("A1", NAIVE, ADAPTIVE, WEIGHING)
"""Whose reconstructions are looked for in the gallery; A2's are A3's with less effort."""
_OTHERS = (
    "B1 shows other pictures: it counts neither as recovery nor for the best of each picture, and "
    "says how alike pictures with near codes are."
)


@final
@dataclass(frozen=True, eq=False)
class Ladder:
    """What all rows have in common."""

    material: Material
    inverter: Inverter
    control: Control | None

    @cached_property
    def ground(self) -> tuple[Appraised, ...]:
        """B0, which no code changes."""
        return tuple(appraise(self.material, each) for each in baseline_rungs(self.material))


@final
@dataclass(frozen=True, eq=False)
class Finished:
    """A row, and the best reconstructions, which are in no report."""

    row: Row
    pictures: Levels


def row(ladder: Ladder, codes: Codes, chain: Chain) -> Finished:
    """Climbs the ladder.

    Raises:
        DefenceError: the defence is not for this layer's codes.
    """
    material = ladder.material
    plan = material.plan
    released = release(plan, codes, chain)
    inverted = invert(material, codes, released, ladder.inverter)
    tried = (*learnt_rungs(material, released), *(inverted.tried if inverted else ()))
    rungs = [*ladder.ground, *(appraise(material, each) for each in tried)]
    best, shares, pictures = best_of(material, [each for each in rungs if each.tried.name != "B1"])
    linked = linkage(material, codes, released)
    found = verdict(_evidence(rungs, best, linked), _conduct(plan, rungs, inverted, ladder.control))
    bounds, gaussian_dp = promises(plan, codes, released)
    finished = Row(
        layer=codes.layer,
        defence=released.name,
        code_elements=codes.clean[0].numel(),
        released_elements=released.candidates[0].numel(),
        deterministic=not released.noisy,
        keyed=chain.keyed,
        verdict=found,
        label=found.label,
        best=best,
        best_of=shares,
        rungs=tuple(each.report for each in rungs),
        linkage=linked,
        attacks=inverted.attacks if inverted else (),
        plateau=inverted.search.plateau if inverted else None,
        bounds=bounds,
        gaussian_dp=gaussian_dp,
        utility=utility(plan, codes, released),
        notes=_notes(plan, released),
    )
    return Finished(finished, to_levels(pictures))


def _evidence(rungs: list[Appraised], best: RungReport, linked: Linkage | Missing) -> Evidence:
    attacks = [each.report for each in rungs if each.tried.name.startswith("A")]
    counted = [*attacks, best] if attacks else []
    return Evidence(
        rungs=tuple(Rung(_spoken(each), each.explained, each is best) for each in counted),
        links=_links(attacks, linked),
    )


def _conduct(
    plan: AuditPlan,
    rungs: list[Appraised],
    inverted: Inverted | None,
    control: Control | None,
) -> Conduct:
    climbed = {each.tried.name.split()[0] for each in rungs} - {"B1"} | (plan.rungs & {"L1"})
    return Conduct(
        attacks=tuple(rung for rung in RUNGS if rung in climbed),
        profile=plan.effort.title,
        profile_suffices=plan.effort.suffices,
        plateau=inverted.search.plateau if inverted else None,
        attack=Health(inverted.complaints if inverted else ()),
        known_answer=None if control is None else Health(control.complaints),
        left_out=plan.left_out,
    )


def _spoken(report: RungReport) -> str:
    return "the best attacker for each picture" if report.name == BEST else report.name


def _links(attacks: list[RungReport], linked: Linkage | Missing) -> tuple[Link, ...]:
    links = (
        [Link("Linkage by squared distance", linked.match)] if isinstance(linked, Linkage) else []
    )
    for each in attacks:
        for eyes, found in (("pixels", each.pixels), ("an independent model", each.independent)):
            if each.name in _MATCHED and isinstance(found, Match):
                links.append(Link(f"Re-identification of {each.name}'s pictures in {eyes}", found))
    return tuple(links)


def _notes(plan: AuditPlan, released: Released) -> tuple[str, ...]:
    same = nothing_to_know(plan, released.chain) if "A4" in plan.rungs else ""
    notes = [same, *grounds.left_out(plan.left_out)]
    notes.append(_OTHERS if "B1" in plan.rungs else "")
    if released.chain.keyed:
        notes.append("The attacker knows all of the defence but the key, and guesses another.")
    return tuple(note for note in notes if note)
