"""One line of `preimage doctor`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import final

__all__ = ["Finding", "Verdict"]


@final
class Verdict(StrEnum):
    """How a finding is meant."""

    FINE = "fine"
    """As it should be."""
    NOTE = "note"
    """Not wrong, but good to know."""
    WRONG = "wrong"
    """Something does not work; the advice says what to do."""


@final
@dataclass(frozen=True)
class Finding:
    """What was looked at, what was seen, what to do."""

    subject: str
    """What was looked at."""
    verdict: Verdict
    """How it is meant."""
    sentence: str
    """What was seen."""
    advice: str = ""
    """What to do, if anything."""
