"""What a verdict is made of: what was measured of a row, and how the attacks were carried out."""

from dataclasses import dataclass
from typing import final

from preimage_worker.audit.measures.chance import Explained
from preimage_worker.audit.measures.health import Health
from preimage_worker.audit.measures.matching import Match
from preimage_worker.audit.measures.plateau import Plateau


@final
@dataclass(frozen=True)
class Link:
    """One way of finding the right candidate."""

    name: str
    """Such as "Linkage by squared distance" or "Re-identification in pixels": a sentence's start.
    """
    match: Match


@final
@dataclass(frozen=True)
class Rung:
    """What one attack recovered."""

    name: str
    """Such as "A3" or "the best for each picture"."""
    explained: Explained
    oracle: bool = False
    """Whether originals chose it: no attacker could have done so well for certain."""


@final
@dataclass(frozen=True)
class Evidence:
    """What was measured: of every attack that could know something, and of every way of linking.

    Each rung counts by itself as well as the best for each picture: an oracle that had many to
    choose from has a high level of chance, under which a single attack's success may be hidden.
    """

    rungs: tuple[Rung, ...]
    """B0 knows nothing and is left out. Empty where only linkage was tried; absence is inconclusive
    then."""
    links: tuple[Link, ...] = ()
    """Empty where nothing was matched; absence is inconclusive then."""

    @property
    def attacks(self) -> tuple[Rung, ...]:
        """Of the rungs those that an attacker can climb: what an absence is said of."""
        return tuple(rung for rung in self.rungs if not rung.oracle)


@final
@dataclass(frozen=True)
class Conduct:
    """How the attacks were carried out: what absence depends on."""

    attacks: tuple[str, ...]
    """Names of the rungs that were run."""
    profile: str
    """Its name, for people."""
    profile_suffices: bool
    """Whether it is the standard profile or more."""
    plateau: Plateau | None
    """Of the strongest inversion; None where none was run."""
    attack: Health
    """Of the attack on this row."""
    known_answer: Health | None
    """Of the control; None where it was not run."""
    left_out: tuple[str, ...] = ()
    """Rungs that the caller did not want."""
