"""Reports that nobody measured."""

from collections.abc import Iterable
from dataclasses import dataclass

from preimage_worker.audit.measures.chance import Explained
from preimage_worker.audit.measures.intervals import Interval
from preimage_worker.audit.measures.matching import Match
from preimage_worker.audit.measures.plateau import Plateau
from preimage_worker.audit.measures.recovery import LPIPS_MISSING, Missing
from preimage_worker.audit.measures.summary import Summary
from preimage_worker.audit.measures.verdict import Answer, Finding, Verdict
from preimage_worker.audit.profiles import STANDARD
from preimage_worker.audit.records import (
    AttackReport,
    AuditReport,
    Bounds,
    Control,
    LeftOut,
    Linkage,
    ModelFacts,
    PictureFacts,
    Row,
    RungReport,
    Share,
    ThreatModel,
    Utility,
    Version,
)

PICTURES = 24
CANDIDATES = 502
FINDINGS = {
    (Answer.YES, Answer.YES): Finding.RECOVERED_AND_LINKABLE,
    (Answer.YES, Answer.NO): Finding.RECOVERED,
    (Answer.YES, Answer.INCONCLUSIVE): Finding.RECOVERED,
    (Answer.NO, Answer.YES): Finding.LINKABLE,
    (Answer.INCONCLUSIVE, Answer.YES): Finding.LINKABLE,
    (Answer.NO, Answer.NO): Finding.NOT_RECOVERED,
    (Answer.NO, Answer.INCONCLUSIVE): Finding.INCONCLUSIVE,
    (Answer.INCONCLUSIVE, Answer.NO): Finding.INCONCLUSIVE,
    (Answer.INCONCLUSIVE, Answer.INCONCLUSIVE): Finding.INCONCLUSIVE,
}


def interval(value: float, half: float = 0.04, least: float = 0.0, most: float = 1.0) -> Interval:
    middle = min(max(value, least), most)
    return Interval(middle, max(middle - half, least), min(middle + half, most))


def summary(value: float, half: float = 0.04, most: float = 1.0) -> Summary:
    return Summary(
        mean=interval(value, half, most=most),
        median=interval(value * 0.98, half, most=most),
        worst_decile=interval(min(value * 1.06, most), half, most=most),
        pictures=PICTURES,
    )


def match(rate: float) -> Match:
    return Match(
        rank1=interval(rate, 0.06),
        rank5=interval(min(1.0, rate * 1.1), 0.05),
        reciprocal_rank=interval(min(1.0, rate * 1.05), 0.05),
        median_rank=1.5,
        queries=PICTURES,
        candidates=CANDIDATES,
        chance1=1 / CANDIDATES,
        chance5=5 / CANDIDATES,
        chance_reciprocal_rank=0.0135,
    )


def rung(name: str, fve: float, psnr_db: float, attacker: str = "An attacker.") -> RungReport:
    return RungReport(
        name=name,
        attacker=attacker,
        choice="Prior factor 0.01, 2500 steps." if name in {"A3", "A4"} else "",
        explained=Explained(summary(fve), interval(fve * 0.92, least=-0.1), 0.031, 0.112),
        mse=summary(10 ** (-psnr_db / 10), 0.001),
        psnr_db=summary(psnr_db, 0.8, most=100.0),
        ssim=summary(min(1.0, 0.1 + 0.9 * fve)),
        lpips=LPIPS_MISSING,
        pixels=match(fve**2),
        independent=match(fve),
        class_agreement=interval(0.3 + 0.6 * fve),
    )


def plateau(*, reached: bool = True) -> Plateau:
    gains = (interval(1.9, 0.3, most=9.0), interval(0.31, 0.1), interval(0.02, 0.03, least=-1.0))
    sentence = "Doubling the budget to 800 has stopped to help." if reached else "It still helped."
    return Plateau((100, 200, 400, 800), gains, 0.2, reached, sentence)


@dataclass(frozen=True)
class Made:
    """What a row is to say."""

    layer: str
    defence: str = "none"
    fve: float = 0.8
    psnr_db: float = 20.4
    link: float = 1.0
    utility: float = 1.0
    recovered: Answer = Answer.YES
    linkable: Answer = Answer.YES
    end_error: float = 0.0110
    informative: bool | None = None


def row(made: Made) -> Row:
    found = Verdict(
        finding=FINDINGS[made.recovered, made.linkable],
        recovered=made.recovered,
        linkable=made.linkable,
        reasons=_reasons(made),
    )
    noisy = made.informative is not None
    return Row(
        layer=made.layer,
        defence=made.defence,
        code_elements=16384,
        released_elements=1638,
        deterministic=not noisy,
        keyed=False,
        verdict=found,
        label=found.label,
        best=rung("the best for each picture", made.fve, made.psnr_db),
        best_of=(Share("A3", 20), Share("A1", 4)),
        rungs=_rungs(made),
        linkage=Linkage(match(made.link), 0.313 if noisy else None),
        attacks=(
            AttackReport("A3", PICTURES, 1.021, made.end_error, 0.0, 0, ()),
            AttackReport("A4", PICTURES, 0.987, made.end_error * 1.1, 0.0, 1, ("One diverged.",)),
        ),
        plateau=plateau(reached=made.recovered is not Answer.INCONCLUSIVE),
        bounds=_bounds(made),
        gaussian_dp=2.71 if noisy else None,
        utility=Utility(
            "The rest of the network sees the same class", interval(made.utility), None
        ),
        notes=(),
    )


def report(rows: Iterable[Made], *, control_failed: bool = False) -> AuditReport:
    made = sorted((row(each) for each in rows), key=_leak, reverse=True)
    return AuditReport(
        threat_model=ThreatModel(
            asset="24 pictures, of which codes of resnet20 are shared.",
            knowledge=("The receiver has the codes under the defence.", "It has the model."),
            goals=("Embedding inversion: a picture.", "Linkage: telling which."),
            budget='The profile "standard": 4 strengths of the priors.',
            not_tried=("A5, a trained decoder, is not built.",),
        ),
        model=ModelFacts("resnet20", "11" * 32),
        independent=ModelFacts("vgg11", "22" * 32),
        targets=PictureFacts(PICTURES, 32, 32, 3, "33" * 32),
        auxiliary=PictureFacts(478, 32, 32, 3, "44" * 32),
        profile=STANDARD,
        preset="auto",
        rungs=("B0", "B1", "L1", "A1", "A2", "A3", "A4"),
        releases=1,
        seed=20261,
        control=Control(
            layer="relu1",
            pictures=12,
            fve=summary(0.996),
            psnr_db=summary(38.7, 0.8, most=100.0),
            plateau=plateau(),
            complaints=("The known-answer control failed: it reached 0.2.",)
            if control_failed
            else (),
        ),
        rows=tuple(made),
        left_out=(LeftOut("fc", "pool:k=2", "A vector has no positions to pool."),),
        versions=(Version("engine", "7"), Version("numpy", "2.3.4")),
    )


def _leak(one: Row) -> float:
    return one.best.explained.fve.mean.estimate


def _rungs(made: Made) -> tuple[RungReport, ...]:
    naive, mean = made.fve * 0.95, 13.1
    return (
        rung("B0 mean picture", 0.0, mean, "Knows what pictures look like on average."),
        rung("B0 random picture", 0.01, 10.2, "Takes another picture by lot."),
        rung("B1", made.fve * 0.2, mean, "Takes the picture of its own whose code is nearest."),
        rung("A1", made.fve * 0.7, made.psnr_db * 0.9, "Learns a linear decoder."),
        rung("A2", made.fve * 0.8, made.psnr_db * 0.94, "Inverts the code once."),
        rung("A3", naive, made.psnr_db * 0.99, "Inverts the code with a sweep."),
        rung("A4", made.fve * 0.99, made.psnr_db, "The same, knowing the defence."),
    )


def _reasons(made: Made) -> tuple[str, ...]:
    words = {
        Answer.YES: "{} by A4.",
        Answer.NO: "{}: not by the attacks listed.",
        Answer.INCONCLUSIVE: "Whether {} is open.",
    }
    found = [
        words[made.recovered].format("Pictures were recovered"),
        words[made.linkable].format("Codes were linked"),
    ]
    if Answer.INCONCLUSIVE in {made.recovered, made.linkable}:
        found.append(f"{PICTURES} pictures are too few to show an absence; it takes 100.")
    return tuple(found)


def _bounds(made: Made) -> Bounds | Missing:
    if made.informative is None:
        return Missing("A defence without noise bounds no attacker's error.")
    unbiased = 0.0123 if made.informative else 0.128
    return Bounds(1 / unbiased, unbiased, 0.0101, 0.0539, made.informative, 16)
