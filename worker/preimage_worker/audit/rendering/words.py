"""What verdicts look like: a class for the colour, and a sign, so that no colour speaks alone.

None of them is green: there is no verdict under which codes can be shared without a thought.
"""

from typing import Final

from preimage_worker.audit.measures.verdict import Answer, Finding, Verdict

KINDS: Final = {
    Finding.RECOVERED: "recovered",
    Finding.RECOVERED_AND_LINKABLE: "recovered",
    Finding.LINKABLE: "linkable",
    Finding.NOT_RECOVERED: "absent",
    Finding.INCONCLUSIVE: "open",
}
"""Classes of the style sheet."""
SIGNS: Final = {
    Finding.RECOVERED: "●",
    Finding.RECOVERED_AND_LINKABLE: "●◆",
    Finding.LINKABLE: "◆",
    Finding.NOT_RECOVERED: "○",
    Finding.INCONCLUSIVE: "?",
}
MARKS: Final = {Answer.YES: "yes", Answer.NO: "no", Answer.INCONCLUSIVE: "open"}
"""Shapes in the charts."""

OPEN_RECOVERY: Final = "whether pictures can be recovered is open"
OPEN_LINKAGE: Final = "whether codes can be linked is open"
NOT_LINKED: Final = "not linked by the attacks listed"

FEATURE_ERROR: Final = (
    "Feature error is no measure of leakage: it says how near an attack came to the code, not to "
    "the picture. A code can be matched perfectly by a picture that shows nothing."
)
ABSENCE: Final = (
    "That nothing was found is a statement about the attacks listed, not about all attackers."
)
READING: Final = (
    "FVE runs from 0, no more than what pictures look like on average, to 1, the picture itself; "
    "“over chance” leaves out what a guess would explain. PSNR is the same error in dB. Linkage "
    "needs no picture: who has a candidate recomputes its code and compares."
)
GLOSSARY: Final = {
    "attackers": "B0 guesses without the code. B1 takes that picture of its own whose code is "
    "nearest. L1 compares the code with those of candidates. A1 has learnt a linear decoder from "
    "pictures of its own. A2 inverts the code once. A3 inverts it with many settings and up to the "
    "largest budget. A4 does so knowing the defence. Each row says who succeeded.",
    "FVE": "Fraction of variance explained: 1 - MSE / MSE of the mean picture. 0 is what anybody "
    "reaches who knows only what pictures look like on average; 1 is the picture itself. Rows are "
    "ranked by it.",
    "over chance": "FVE less what the same reconstructions explain of pictures that they are not "
    "of. What is left was known about that very picture. A verdict of recovery takes more than "
    "0.05, or more than 0.15 of the worst decile, for certain; one of none less than twice that.",
    "PSNR": "10 log10(1 / MSE) of each picture in dB, then averaged. Higher shows more.",
    "SSIM": "Structural similarity with the settings of Wang et al. 2004; 1 is the picture itself.",
    "re-identification": "How often the reconstruction is nearest to its own original in a gallery "
    "of pictures, pixel by pixel or in the codes of an independent model.",
    "linkage": "How often the code alone tells which of the candidates it is of. It needs no "
    "reconstruction: who has the candidate recomputes its code and compares.",
    "chance": "The same figure for somebody without the information.",
    "utility": "What the receiver can still do with the codes, on pictures outside any fit: how "
    "often the rest of the network sees the class that it sees without a defence; where it has "
    "none, how many of the nearest neighbours stay.",
    "bounds": "What noise promises against every attacker. 1/dFIL holds for attackers without a "
    "prior, and says nothing where the mean picture is already better than that; the van Trees "
    "bound holds for attackers who know each pixel's mean and variance.",
    "95 % interval": "Wilson's for rates, the bootstrap's over pictures for everything else, "
    "widened for few pictures as Student's is. Of two its limits are the two: too narrow.",
    "worst decile": "One picture in ten gives away at least this much.",
    "plateau": "Twice in a row doubling the budget of the attack has stopped to help. Short of it "
    "a failure says nothing.",
}
"""What the words of a report mean."""


def besides(verdict: Verdict) -> str:
    """What a label does not say: the answer to the question that did not decide it."""
    if verdict.finding is Finding.LINKABLE and verdict.recovered is Answer.INCONCLUSIVE:
        return OPEN_RECOVERY
    if verdict.finding is Finding.RECOVERED:
        return NOT_LINKED if verdict.linkable is Answer.NO else OPEN_LINKAGE
    return ""
