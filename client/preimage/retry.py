"""When a call is repeated, and after how long: decisions without effects.

The server's own word (RetryInfo, or the trailer grpc-retry-pushback-ms) comes first. Without it the
delay doubles from call to call and is shortened by chance, so that clients that were refused
together do not come back together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from preimage.errors import ServiceError


@final
@dataclass(frozen=True)
class RetryPolicy:
    """How patient a client is."""

    retries: int
    """How often a call is repeated."""
    first_delay_seconds: float = 0.5
    """Longest delay before the first repetition, when the server says nothing."""
    longest_delay_seconds: float = 10.0
    """Bound of the doubling."""
    longest_obedience_seconds: float = 30.0
    """A server that asks for more than this is not waited for: the caller is told instead."""
    longest_failing_seconds: float = math.inf
    """A call that has failed for so long is not repeated: a failure may take its time."""

    def delay_seconds(
        self, error: ServiceError, repeated: int, chance: float, failing_seconds: float = 0.0
    ) -> float | None:
        """Decides about a failed call.

        Args:
            error: how it failed.
            repeated: how often the call has been repeated already.
            chance: a random number, 0 to 1.
            failing_seconds: how long ago it failed first.

        Returns:
            How long to wait before the call is repeated; None: it is not.
        """
        if not error.repeatable or repeated >= self.retries:
            return None
        if failing_seconds >= self.longest_failing_seconds:
            return None
        if error.retry_after_seconds is not None:
            asked = max(error.retry_after_seconds, 0.0)
            return asked if asked <= self.longest_obedience_seconds else None
        longest = min(self.first_delay_seconds * 2.0**repeated, self.longest_delay_seconds)
        return longest * (0.5 + 0.5 * chance)


CALLS = RetryPolicy(retries=2)
"""For calls that somebody waits for."""

WATCHES = RetryPolicy(retries=10, longest_failing_seconds=60.0)
"""For a watch, which must outlive a restart of the server or of Redis: about a minute in all."""
