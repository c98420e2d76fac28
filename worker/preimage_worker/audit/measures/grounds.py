"""The sentences of a verdict: what was found, and what an absence cannot be said for.

Each function returns no sentence where there is nothing to say, so that deciding and explaining are
one: a row is recovered where `recovery` has something to say.
"""

from collections.abc import Sequence
from itertools import chain

from preimage_worker.audit.measures.evidence import Conduct, Evidence, Link, Rung
from preimage_worker.audit.measures.intervals import Interval
from preimage_worker.audit.measures.matching import above_chance

RECOVERED_FVE = 0.05
"""Mean FVE over chance, from which reconstructions show more than pictures look like on average."""
RECOVERED_DECILE = 0.15
"""The same of the worst decile: some pictures may give away much where most give away nothing. Of
attacks on ResNet-20 it was 1.1 to 3.3 times the mean; with the mean's threshold each small mean
would do."""
DOUBT = 2
"""An absence is said below so many thresholds, and with confidence: an upper limit is never below
what is there, so with the threshold itself no FVE just under it would ever be called absent."""
LEAST_PICTURES = 100
"""For absence: of 0 in 24 the upper limit is 13.8 %, of 0 in 100 it is 3.7 %."""
LEAST_COMPARED = 2
"""For recovery: chance is what a reconstruction explains of the other pictures, so one has none."""
LEVEL = 0.025
"""One-sided, of all ways of linking in a row together (Bonferroni)."""

Sentences = tuple[str, ...]

_SINGLE = (
    "Recovery is not told from chance on a single picture: chance is what its reconstruction "
    "explains of the others, and there are none."
)


def recovery(evidence: Evidence) -> Sentences:
    """Which attacks recovered pictures: on average, or one in ten at least."""
    each = ((*_on_average(rung), *_worst(rung)) for rung in evidence.rungs if _compared(rung))
    return tuple(chain.from_iterable(each))


def linkage(links: Sequence[Link]) -> Sentences:
    """Which ways of linking found the right candidate more often than chance."""
    return tuple(
        f"{link.name} found the right one of {link.match.candidates} candidates in "
        f"{_percent(link.match.rank1)} of {link.match.queries} cases; chance is "
        f"{100 * link.match.chance1:.2g} %."
        for link in links
        if above_chance(link.match, LEVEL / len(links))
    )


def against_absence(evidence: Evidence, conduct: Conduct) -> Sentences:
    """Why this row's attacks prove nothing by failing; absence can be said where there is nothing.

    The same for both questions: re-identification is of reconstructions.
    """
    return (
        *left_out(conduct.left_out),
        *_number(evidence),
        *_profile(conduct),
        *_budget(conduct),
        *conduct.attack.complaints,
        *_control(conduct),
    )


def against_no_recovery(evidence: Evidence) -> Sentences:
    """That no attack was run, or which may be far over the threshold, if not with confidence."""
    if not evidence.rungs:
        return ("No attack was run that could recover pictures.",)
    if not any(map(_compared, evidence.rungs)):
        return (_SINGLE,)
    each = ((*_open_on_average(rung), *_open_worst(rung)) for rung in evidence.attacks)
    return tuple(chain.from_iterable(each))


def against_no_linkage(evidence: Evidence) -> Sentences:
    """That nothing was matched."""
    return () if evidence.links else ("Nothing was matched with candidates.",)


def no_recovery(evidence: Evidence, conduct: Conduct) -> str:
    """What "not recovered" means here: the highest of all attacks."""
    found = [rung.explained for rung in evidence.attacks]
    gain = max((each.over_chance for each in found), key=lambda one: one.upper)
    worst = max(each.fve.worst_decile.upper - each.chance_worst_decile for each in found)
    return (
        f"No picture was recovered by the attacks listed ({', '.join(conduct.attacks)}): FVE over "
        f"chance is {gain.estimate:.3f} on average, with 95 % confidence at most {gain.upper:.3f}, "
        f"and at most {max(worst, 0):.3f} of the worst decile."
    )


def no_linkage(links: Sequence[Link]) -> Sentences:
    """What "not linkable" means here."""
    return tuple(
        f"{link.name} found the right one of {link.match.candidates} candidates no more often than "
        f"chance: in {_percent(link.match.rank1)} of cases."
        for link in links
    )


def left_out(rungs: Sequence[str]) -> Sentences:
    """What rungs would have found that were not climbed is not known."""
    if not rungs:
        return ()
    return (f"Rungs left out by the caller: {', '.join(rungs)}; so absence cannot be said.",)


def _compared(rung: Rung) -> bool:
    return rung.explained.fve.pictures >= LEAST_COMPARED


def _on_average(rung: Rung) -> Sentences:
    mean, gain = rung.explained.fve.mean, rung.explained.over_chance
    if gain.lower <= RECOVERED_FVE:
        return ()
    sentence = (
        f"Pictures were recovered by {rung.name}: FVE is {mean.estimate:.3f} on average, "
        f"{gain.estimate:.3f} over chance (95 % interval {_limits(gain)})."
    )
    return (sentence,)


def _worst(rung: Rung) -> Sentences:
    worst, by_chance = rung.explained.fve.worst_decile, rung.explained.chance_worst_decile
    if worst.lower <= RECOVERED_DECILE + by_chance:
        return ()
    sentence = (
        f"One picture in ten was recovered by {rung.name} with an FVE of {worst.estimate:.3f} or "
        f"more (95 % interval {_limits(worst)}); by chance it is {by_chance:.3f}."
    )
    return (sentence,)


def _open_on_average(rung: Rung) -> Sentences:
    gain = rung.explained.over_chance
    if gain.upper <= DOUBT * RECOVERED_FVE:
        return ()
    sentence = (
        f"FVE of {rung.name} is {gain.estimate:.3f} over chance, and its 95 % interval, "
        f"{_limits(gain)}, reaches above {DOUBT * RECOVERED_FVE:g}: more pictures would decide."
    )
    return (sentence,)


def _open_worst(rung: Rung) -> Sentences:
    worst, by_chance = rung.explained.fve.worst_decile, rung.explained.chance_worst_decile
    if worst.upper <= DOUBT * RECOVERED_DECILE + by_chance:
        return ()
    sentence = (
        f"Of one picture in ten {rung.name} may have recovered much: the worst decile's FVE is "
        f"{worst.estimate:.3f}, {_limits(worst)} with 95 % confidence, and {by_chance:.3f} by "
        "chance: more pictures would decide."
    )
    return (sentence,)


def _number(evidence: Evidence) -> Sentences:
    counts = [rung.explained.fve.pictures for rung in evidence.rungs]
    counts += [link.match.queries for link in evidence.links]
    if min(counts, default=LEAST_PICTURES) >= LEAST_PICTURES:
        return ()
    few = min(counts)
    pictures = "1 picture is" if few == 1 else f"{few} pictures are"
    return (f"{pictures} too few to show an absence; it takes {LEAST_PICTURES}.",)


def _profile(conduct: Conduct) -> Sentences:
    if conduct.profile_suffices:
        return ()
    return (f'The profile "{conduct.profile}" is below standard.',)


def _budget(conduct: Conduct) -> Sentences:
    if conduct.plateau is None:
        return ("No attack was repeated with a doubled budget, so none is at its plateau.",)
    return () if conduct.plateau.reached else (conduct.plateau.sentence,)


def _control(conduct: Conduct) -> Sentences:
    if conduct.known_answer is None:
        return ("The known-answer control was not run: the attack may not work at all.",)
    return conduct.known_answer.complaints


def _limits(interval: Interval) -> str:
    return f"{interval.lower:.3f} to {interval.upper:.3f}"


def _percent(rate: Interval) -> str:
    return f"{100 * rate.estimate:.1f} % ({100 * rate.lower:.1f} to {100 * rate.upper:.1f} %)"
