"""Whether an attack works at all: what it did to the feature error, and the known answer.

Feature error is no measure of leakage: a code can be matched perfectly by a picture that shows
nothing. It tells whether the attack was carried out. An attack whose error did not fall, or that
fails where success is certain, says nothing by its failure.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from preimage_worker.audit.measures.pictures import Floats
from preimage_worker.audit.measures.summary import Summary

KNOWN_ANSWER_FVE = 0.9
"""Mean FVE on an undefended shallow layer; 300 steps reach 0.996 on a first convolution."""


@final
@dataclass(frozen=True, eq=False)
class FeatureErrors:
    """Relative errors of codes, `(n,)` each, of the same attack on `n` pictures."""

    start: Floats
    """Of the picture that the attack started from."""
    end: Floats
    """Of its reconstruction."""
    truth: Floats
    """Of the original: 0 without a defence, the size of the noise where there is noise."""


@final
@dataclass(frozen=True)
class Health:
    """What speaks against an attack's failures; healthy without a complaint."""

    complaints: tuple[str, ...] = ()
    """One sentence each."""

    @property
    def healthy(self) -> bool:
        """Whether nothing does."""
        return not self.complaints


def judge(errors: FeatureErrors) -> Health:
    """Whether the attack came near the codes that it was given.

    Complains of errors that are not finite, of a median that did not fall, and, where the original
    has an error of its own, of one that ended above it: the original would have been the better
    answer to the attack's own question.
    """
    start, end, truth = (float(np.median(e)) for e in (errors.start, errors.end, errors.truth))
    lost = int((~np.isfinite(errors.end)).sum())
    if lost:
        return Health((f"{lost} of {len(errors.end)} attacks diverged.",))
    complaints = []
    if not end < start:
        complaints.append(
            f"The attack did not come nearer to the codes: its median feature error went from "
            f"{start:.3g} to {end:.3g}."
        )
    if 0 < truth < end:
        complaints.append(
            f"The attack ended farther from the codes than the originals are: median feature error "
            f"{end:.3g}, theirs {truth:.3g}."
        )
    return Health(tuple(complaints))


def known_answer(fve: Summary, least: float = KNOWN_ANSWER_FVE) -> Health:
    """Whether the same attack recovers an undefended shallow layer: by the lower limit of FVE."""
    if fve.mean.lower >= least:
        return Health()
    complaint = (
        f"The known-answer control failed: on an undefended shallow layer the same attack reached "
        f"an FVE of {fve.mean.estimate:.2f} (lower limit {fve.mean.lower:.2f}), which takes "
        f"{least:g}."
    )
    return Health((complaint,))
