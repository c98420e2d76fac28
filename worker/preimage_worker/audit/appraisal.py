"""What reconstructions show: every figure of a rung, whoever made them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from preimage_worker.audit.material import Material, Pictures, Seen
from preimage_worker.audit.measures import best, chance, distances, intervals, matching, recovery
from preimage_worker.audit.measures.intervals import Interval
from preimage_worker.audit.measures.matching import Match
from preimage_worker.audit.measures.pictures import Floats, to_levels
from preimage_worker.audit.measures.recovery import Missing, Recovery
from preimage_worker.audit.measures.summary import Leak, Summary, summarise
from preimage_worker.audit.records import RungReport, Share

BEST = "the best for each picture"
_NO_JUDGE = Missing("No independent model was named.")
_NO_CLASSES = Missing("The independent model does not classify.")
_CHOSEN = Missing(
    "These were chosen by the originals, so they would be matched with them by that choice; each "
    "rung has the figure."
)


@final
@dataclass(frozen=True, eq=False)
class Tried:
    """A rung's reconstructions, `n` pictures from 0 to 1."""

    name: str
    attacker: str
    choice: str
    pictures: Pictures


@final
@dataclass(frozen=True, eq=False)
class Appraised:
    """A rung with what the best of several is made from."""

    tried: Tried
    cross: Floats
    """`(n, n)`: `chance.cross_mse`."""
    report: RungReport

    @property
    def mse(self) -> Floats:
        """`(n,)`."""
        return np.diag(self.cross).copy()


def appraise(material: Material, tried: Tried) -> Appraised:
    """All figures of a rung."""
    seen = material.see(to_levels(tried.pictures))
    cross = chance.cross_mse(tried.pictures, material.targets)
    measured = recovery.measure(tried.pictures, material.targets, material.mean_picture)
    report = _report(
        material,
        (tried.name, tried.attacker, tried.choice),
        cross,
        measured,
        pixels=_match(material, tried.pictures, material.gallery),
        independent=_seen(material, seen),
        class_agreement=_agreement(material, seen),
    )
    return Appraised(tried, cross, report)


def best_of(
    material: Material, rungs: Sequence[Appraised]
) -> tuple[RungReport, tuple[Share, ...], Pictures]:
    """The best rung for each picture: its figures, who was it how often, and the pictures."""
    chosen = best.choose({each.tried.name: each.mse for each in rungs}, best.Selection.ORACLE)
    pictures: Mapping[str, Pictures] = {each.tried.name: each.tried.pictures for each in rungs}
    found = np.asarray(chosen.take(pictures), np.float32)
    cross = chosen.table({each.tried.name: each.cross for each in rungs})
    measured = recovery.measure(found, material.targets, material.mean_picture)
    attacker = "For each picture the attacker of the ladder that came nearest to it."
    report = _report(
        material,
        (BEST, attacker, chosen.selection.value),
        cross,
        measured,
        pixels=_CHOSEN,
        independent=_CHOSEN,
        class_agreement=_agreement(material, material.see(to_levels(found))),
    )
    shares = tuple(Share(name, chosen.names.count(name)) for name in chosen.rungs)
    return report, tuple(each for each in shares if each.pictures), found


def _report(
    material: Material,
    words: tuple[str, str, str],
    cross: Floats,
    measured: Recovery,
    *,
    pixels: Match | Missing,
    independent: Match | Missing,
    class_agreement: Interval | Missing,
) -> RungReport:
    seed = material.plan.seed
    name, attacker, choice = words
    return RungReport(
        name=name,
        attacker=attacker,
        choice=choice,
        explained=chance.explained(cross, material.mean_picture_mse, seed=seed),
        mse=summarise(measured.mse, seed=seed, leak=Leak.LOW),
        psnr_db=summarise(measured.psnr_db, seed=seed),
        ssim=_summary(measured.ssim, seed, Leak.HIGH),
        lpips=_summary(measured.lpips, seed, Leak.LOW),
        pixels=pixels,
        independent=independent,
        class_agreement=class_agreement,
    )


def _summary(values: Floats | Missing, seed: int, leak: Leak) -> Summary | Missing:
    return values if isinstance(values, Missing) else summarise(values, seed=seed, leak=leak)


def _match(material: Material, found: distances.Rows, gallery: distances.Rows) -> Match:
    own = np.arange(material.count)
    return matching.match(distances.squared(found, gallery), own, seed=material.plan.seed)


def _seen(material: Material, seen: Seen | None) -> Match | Missing:
    if seen is None or material.seen is None:
        return _NO_JUDGE
    return _match(material, seen.codes, material.seen.codes)


def _agreement(material: Material, seen: Seen | None) -> Interval | Missing:
    if seen is None or material.seen is None:
        return _NO_JUDGE
    if seen.classes is None or material.seen.classes is None:
        return _NO_CLASSES
    return intervals.rate(seen.classes == material.seen.classes[: material.count])
