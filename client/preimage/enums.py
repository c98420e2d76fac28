"""Closed sets of the wire as string enumerations: the wire's names without their prefix.

A number that this release does not know yet becomes UNSPECIFIED, so that an older client can still
read a newer server.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar, final

if TYPE_CHECKING:
    from collections.abc import Iterable

E = TypeVar("E", bound=StrEnum)


@final
class State(StrEnum):
    """Where a job stands."""

    UNSPECIFIED = "UNSPECIFIED"
    """A state that this release does not know."""
    QUEUED = "QUEUED"
    """Accepted; waits for a slot."""
    RUNNING = "RUNNING"
    """A worker holds its lease."""
    SUCCEEDED = "SUCCEEDED"
    """Terminal: a result is there."""
    FAILED = "FAILED"
    """Terminal: the job's error says why."""
    CANCELLED = "CANCELLED"
    """Terminal: the caller cancelled it."""

    @property
    def terminal(self) -> bool:
        """Whether this state never changes any more."""
        return self in {State.SUCCEEDED, State.FAILED, State.CANCELLED}


@final
class Outcome(StrEnum):
    """How an inversion ended. None of them is an error."""

    UNSPECIFIED = "UNSPECIFIED"
    """An outcome that this release does not know."""
    SCHEDULE_COMPLETED = "SCHEDULE_COMPLETED"
    """The schedule, or the number of steps asked for, is done."""
    CONVERGED = "CONVERGED"
    """The objective reached a plateau."""
    TARGET_REACHED = "TARGET_REACHED"
    """The target error was reached."""
    DEADLINE = "DEADLINE"
    """The deadline passed; the picture is the one that was there."""
    DIVERGED = "DIVERGED"
    """The objective stopped being finite; the picture is the last finite one."""


@final
class Availability(StrEnum):
    """Whether a model can be used."""

    UNSPECIFIED = "UNSPECIFIED"
    """An answer that this release does not know."""
    SERVED = "SERVED"
    """A live worker serves it."""
    WEIGHTS_MISSING = "WEIGHTS_MISSING"
    """In the catalogue, but its weights cannot be had."""


def from_wire(kind: type[E], names: Iterable[tuple[str, int]], prefix: str, number: int) -> E:
    """Translates a number of the wire.

    Args:
        kind: the enumeration to translate to; has a member UNSPECIFIED.
        names: the wire's names and numbers, as `Wrapper.items()` lists them.
        prefix: what the wire's names start with: "STATE_".
        number: the number that came.
    """
    name = next((name for name, value in names if value == number), "")
    known = name.removeprefix(prefix)
    return kind(known) if known in kind.__members__ else kind("UNSPECIFIED")
