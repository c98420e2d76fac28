"""What the loop and the courier leave for each other: the only state that both threads touch.

The loop computes and must never wait for Redis; the courier talks to Redis and must never wait for
the device. So each side leaves its news here and picks up the other's, under one lock that nobody
holds for longer than a few assignments.
"""

import threading
from collections import deque
from dataclasses import dataclass, replace
from typing import final

from preimage_worker.jobs import Delivery, Drop, Pulse, Settlement


@final
@dataclass(frozen=True)
class Offer:
    """Room in the batch, and how it is doing."""

    free: int
    """Lanes that could join, now or within two boundaries."""
    slots: int
    """Lanes that the batch can hold."""
    active: int
    """Lanes that are running."""
    steps_per_second: float
    """Steps times lanes, lately; 0 before the first."""


@final
class Mailbox:
    """News between the two threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._for_loop = threading.Condition(self._lock)
        self._for_courier = threading.Condition(self._lock)
        self._deliveries: deque[Delivery] = deque()
        self._drops: list[Drop] = []
        self._offer: Offer | None = None
        self._pulses: dict[str, Pulse] = {}
        self._settlements: deque[Settlement] = deque()
        self._preview = False

    def deliver(self, deliveries: list[Delivery]) -> None:
        """(Courier) New jobs."""
        with self._lock:
            self._deliveries.extend(deliveries)
            self._for_loop.notify()

    def drop(self, drop: Drop) -> None:
        """(Courier) A job was cancelled, or its lease was lost."""
        with self._lock:
            self._drops.append(drop)
            self._for_loop.notify()

    def collect(self, wait_seconds: float) -> tuple[list[Delivery], list[Drop]]:
        """(Loop) New jobs, and jobs to drop; waits for something if there is nothing."""
        with self._lock:
            if not (self._deliveries or self._drops) and wait_seconds > 0:
                self._for_loop.wait(wait_seconds)
            news = list(self._deliveries), list(self._drops)
            self._deliveries.clear()
            self._drops.clear()
            return news

    def offer(self, offer: Offer) -> None:
        """(Loop) How much room there is now. Replaces the offer before."""
        with self._lock:
            self._offer = offer
            self._for_courier.notify()

    def report(self, pulses: list[Pulse], settlements: list[Settlement]) -> None:
        """(Loop) How far jobs are, and jobs that ended. A newer pulse replaces an older one."""
        with self._lock:
            for pulse in pulses:
                self._pulses[pulse.ticket.id] = _merged(self._pulses.get(pulse.ticket.id), pulse)
            self._settlements.extend(settlements)
            self._preview = self._preview or any(pulse.preview for pulse in pulses)
            if settlements or self._preview:
                self._for_courier.notify()

    def wake(self) -> None:
        """(Anyone) Ends both sides' waiting."""
        with self._lock:
            self._for_loop.notify_all()
            self._for_courier.notify_all()

    def wait_for_news(self, seconds: float) -> None:
        """(Courier) Returns when a job ended, room was offered, a preview came, or time is over."""
        with self._lock:
            if not (self._settlements or self._offer or self._preview):
                self._for_courier.wait(seconds)

    def take_offer(self) -> Offer | None:
        """(Courier) The newest offer. An offer is used once: the loop makes the next one."""
        with self._lock:
            offer, self._offer = self._offer, None
            return offer

    def take_pulses(self) -> list[Pulse]:
        """(Courier) The newest pulse of every job since the last call."""
        with self._lock:
            pulses = list(self._pulses.values())
            self._pulses.clear()
            self._preview = False
            return pulses

    def take_settlements(self) -> list[Settlement]:
        """(Courier) Jobs that ended since the last call."""
        with self._lock:
            settlements = list(self._settlements)
            self._settlements.clear()
            return settlements


def _merged(old: Pulse | None, new: Pulse) -> Pulse:
    """The newer pulse, with the older one's preview and checkpoint if it brings none itself."""
    if old is None or old.ticket != new.ticket:
        return new
    kept = new if new.snapshot else old
    return replace(
        new,
        preview=new.preview or old.preview,
        snapshot=kept.snapshot,
        snapshot_step=kept.snapshot_step,
    )
