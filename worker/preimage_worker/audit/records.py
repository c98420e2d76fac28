"""What an audit says: frozen values of plain numbers, which JSON keeps (`plain`).

Errors of pictures are on the scale from 0 to 1, errors of codes relative to the code's norm. Where
a figure is missing its reason stands in its place.
"""

from dataclasses import dataclass
from typing import final

from preimage_worker.audit.measures.chance import Explained
from preimage_worker.audit.measures.intervals import Interval
from preimage_worker.audit.measures.matching import Match
from preimage_worker.audit.measures.plateau import Plateau
from preimage_worker.audit.measures.recovery import Missing
from preimage_worker.audit.measures.summary import Summary
from preimage_worker.audit.measures.verdict import Verdict
from preimage_worker.audit.profiles import Profile


@final
@dataclass(frozen=True)
class RungReport:
    """What one attacker's reconstructions show."""

    name: str
    """Such as "A3"."""
    attacker: str
    """Who that is: a sentence."""
    choice: str
    """What was chosen among, and by whom; empty where there was no choice."""
    explained: Explained
    """FVE, the headline, and what of it is above chance."""
    mse: Summary
    psnr_db: Summary
    ssim: Summary | Missing
    lpips: Summary | Missing
    pixels: Match | Missing
    """Re-identification pixel by pixel, among targets and auxiliary pictures."""
    independent: Match | Missing
    """The same in the codes of the independent model."""
    class_agreement: Interval | Missing
    """How often the independent model sees the same class in reconstruction and original."""


@final
@dataclass(frozen=True)
class Linkage:
    """Which of the candidates has this code."""

    match: Match
    relative_noise: float | None
    """‖noise‖ over the median distance between candidates' codes, the median of the pictures; None
    for defences without noise."""


@final
@dataclass(frozen=True)
class AttackReport:
    """How the inversions of one rung went; nothing here measures leakage."""

    rung: str
    pictures: int
    """That had a code to attack: a code of zeros has none."""
    start_error: float | None
    """Median relative error of the codes that attacks started from; None if unknown."""
    end_error: float | None
    """Of the delivered pictures, of each picture the least of all attacks."""
    truth_error: float
    """Of the originals."""
    diverged: int
    """Pictures whose attacks all diverged."""
    complaints: tuple[str, ...]
    """What speaks against believing the attack when it fails."""


@final
@dataclass(frozen=True)
class Bounds:
    """What noise promises whatever the attacker does: mean squared errors, scale 0 to 1."""

    dfil: float
    """Mean over the pictures, per squared unit of the scale 0 to 1."""
    unbiased_mse: float | None
    """1/dFIL, the least of attackers without a prior; None where it is infinite."""
    van_trees_mse: float
    """The least of attackers that know each pixel's mean and variance."""
    mean_picture_mse: float
    """What the mean picture has, by the same prior."""
    informative: bool
    """Whether the unbiased bound is below that; if not, it says nothing."""
    probes: int


@final
@dataclass(frozen=True)
class Utility:
    """What the receiver can still do with the codes, on pictures outside any fit."""

    measure: str
    """Of what it is the rate: a sentence's start."""
    value: Interval
    chance: float | None
    """None where it has no one value."""


@final
@dataclass(frozen=True)
class Share:
    """How many pictures a rung served best."""

    rung: str
    pictures: int


@final
@dataclass(frozen=True)
class Row:
    """One layer under one defence."""

    layer: str
    defence: str
    """In the words of the command line; "none" for codes as they are."""
    code_elements: int
    released_elements: int
    deterministic: bool
    keyed: bool
    verdict: Verdict
    label: str
    """The verdict in a few words."""
    best: RungReport
    """The best rung for each picture, chosen by the original."""
    best_of: tuple[Share, ...]
    rungs: tuple[RungReport, ...]
    linkage: Linkage | Missing
    attacks: tuple[AttackReport, ...]
    plateau: Plateau | None
    """None where nothing was inverted."""
    bounds: Bounds | Missing
    gaussian_dp: float | None
    """μ of local Gaussian differential privacy; None where nothing limits the codes' norm."""
    utility: Utility | Missing
    notes: tuple[str, ...]
    """What was left out, and why: sentences."""


@final
@dataclass(frozen=True)
class LeftOut:
    """A cell without a row."""

    layer: str
    defence: str
    reason: str
    """Why the defence is not for this layer's codes."""


@final
@dataclass(frozen=True)
class Control:
    """The known answer: the same attack on an undefended shallow layer, where it must succeed."""

    layer: str
    pictures: int
    fve: Summary
    psnr_db: Summary
    plateau: Plateau
    complaints: tuple[str, ...]
    """Empty where it succeeded."""


@final
@dataclass(frozen=True)
class ThreatModel:
    """Who is defended against, in sentences."""

    asset: str
    knowledge: tuple[str, ...]
    goals: tuple[str, ...]
    budget: str
    not_tried: tuple[str, ...]
    """What a stronger attacker might do."""


@final
@dataclass(frozen=True)
class Version:
    """Of what computed the report."""

    name: str
    version: str


@final
@dataclass(frozen=True)
class ModelFacts:
    """Of a model."""

    name: str
    digest: str


@final
@dataclass(frozen=True)
class PictureFacts:
    """Of a set of pictures, none of which is in the report."""

    count: int
    height: int
    width: int
    channels: int
    digest: str
    """SHA-256 of all levels."""


@final
@dataclass(frozen=True)
class AuditReport:
    """The whole report; the same plan gives the same one."""

    threat_model: ThreatModel
    model: ModelFacts
    independent: ModelFacts | None
    targets: PictureFacts
    auxiliary: PictureFacts
    profile: Profile
    preset: str
    rungs: tuple[str, ...]
    releases: int
    seed: int
    control: Control | None
    """None where nothing was inverted."""
    rows: tuple[Row, ...]
    """From the one that gives away most, by recovery."""
    left_out: tuple[LeftOut, ...]
    versions: tuple[Version, ...]
