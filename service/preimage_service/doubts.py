"""A short memory of refusals, so that only a service under pressure looks before it reads.

Reading a request through costs far more than refusing it: pictures are decoded and codes stored.
After a refusal the queue is asked first, for a moment; see `glance`. While there is room, nobody
asks.
"""

from collections.abc import Callable
from typing import final

from preimage_queue import RejectReason

_SECONDS = 5.0
"""How long after a refusal the next may be likely. Each refusal begins them anew."""

_OF_A_TENANT = frozenset(
    {RejectReason.TENANT_JOBS, RejectReason.TENANT_BYTES, RejectReason.SLOT_SECONDS}
)
_MOST_TENANTS = 1000


@final
class Doubts:
    """Whose jobs were refused of late. For one event loop."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` counts seconds and never goes back."""
        self._clock = clock
        self._until: dict[str, float] = {}

    def note(self, tenant: str, reason: RejectReason) -> None:
        """A job of this tenant was refused."""
        if reason is RejectReason.TOO_WIDE:
            return  # the job's own fault: it says nothing of the next
        whose = tenant if reason in _OF_A_TENANT else ""
        self._until.pop(whose, None)  # the newest comes last
        self._until[whose] = self._clock() + _SECONDS
        if len(self._until) > _MOST_TENANTS:
            del self._until[next(iter(self._until))]

    def concern(self, tenant: str) -> bool:
        """Whether a job of this tenant may well be refused now."""
        now = self._clock()
        return any(self._until.get(whose, 0.0) > now for whose in ("", tenant))
