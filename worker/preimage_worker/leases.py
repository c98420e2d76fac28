"""The leases that a worker holds, and what the next beat says of each.

A lease is renewed only while the job moves: a device that hangs, or a loop that died, must not keep
a job from other workers. Waiting for the device behind others counts as standing still too.
"""

from collections import Counter
from dataclasses import dataclass
from typing import final

from preimage_queue import Beat
from preimage_worker.jobs import Pulse, Ticket


@final
@dataclass(eq=False)
class Lease:
    """One job that this worker holds."""

    ticket: Ticket
    slots: int
    """Lanes that it takes."""
    moved_at: float
    """Of the monotonic clock: when its step last changed, or when it was claimed."""
    step: int = 0
    event: bytes = b""
    """News for the watchers since the last beat."""


@final
class Leases:
    """All jobs that this worker holds."""

    def __init__(self, stall_seconds: float) -> None:
        self._held: dict[str, Lease] = {}
        self._stall_seconds = stall_seconds

    def __len__(self) -> int:
        return len(self._held)

    def add(self, ticket: Ticket, slots: int, now: float) -> None:
        """A job was claimed that takes so many slots."""
        self._held[ticket.id] = Lease(ticket, slots, now)

    def holds(self, ticket: Ticket) -> bool:
        """Whether this very attempt is still ours."""
        lease = self._held.get(ticket.id)
        return lease is not None and lease.ticket == ticket

    def release(self, ticket: Ticket) -> None:
        """A job was settled, or its lease was lost."""
        if self.holds(ticket):
            del self._held[ticket.id]

    def tickets(self) -> list[Ticket]:
        """Every job that is held."""
        return [lease.ticket for lease in self._held.values()]

    def slots_by_tenant(self) -> Counter[str]:
        """How much of the worker each tenant holds."""
        slots: Counter[str] = Counter()
        for lease in self._held.values():
            slots[lease.ticket.tenant] += lease.slots
        return slots

    def note(self, pulse: Pulse, event: bytes, now: float) -> None:
        """A job moved on."""
        if not self.holds(pulse.ticket):
            return
        lease = self._held[pulse.ticket.id]
        if pulse.report.step > lease.step:
            lease.step, lease.moved_at = pulse.report.step, now
        lease.event = event

    def stalled(self, now: float) -> list[Ticket]:
        """Jobs that have stood still for too long to be renewed."""
        limit = now - self._stall_seconds
        return [lease.ticket for lease in self._held.values() if lease.moved_at < limit]

    def beats(self) -> list[Beat]:
        """A line for every job that is held. News are said once."""
        lines = [
            Beat(lease.ticket.id, lease.ticket.attempt, lease.step, lease.event)
            for lease in self._held.values()
        ]
        for lease in self._held.values():
            lease.event = b""
        return lines
