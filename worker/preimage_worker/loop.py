"""The loop of a worker: jobs in, steps, jobs out.

One thread computes and never waits for Redis; `Courier` does the waiting. A boundary is the only
place where lanes join and leave. Jobs are claimed a little before there is room for them, so that a
slot is taken again at the boundary at which it was left.
"""

import logging
import threading
import time
from collections import deque
from typing import final

from preimage_worker import metrics
from preimage_worker.courier import Courier
from preimage_worker.engine import Boundary, Engine
from preimage_worker.jobs import Delivery, Drop, Returned, Settlement, Stopped
from preimage_worker.mailbox import Mailbox, Offer

log = logging.getLogger(__name__)

_IDLE_SECONDS = 0.25
_RATE_MEMORY = 0.9
"""Weight of the past in the running mean of steps per second."""


@final
class Loop:
    """Runs an engine until it is told to stop, or has drained."""

    def __init__(
        self, engine: Engine, courier: Courier, mailbox: Mailbox, stop: threading.Event
    ) -> None:
        self._engine = engine
        self._courier = courier
        self._mailbox = mailbox
        self._stop = stop
        self._waiting: deque[Delivery] = deque()
        self._steps_per_second = 0.0

    def run(self) -> None:
        """Returns once `stop` is set, with every job handed back, or once drained and empty."""
        while not self._stop.is_set() and not self._drained():
            self._round()
        self._mailbox.report([], list(self._engine.hand_back()))
        self._count_left()
        self._mailbox.report([], [Returned(each.ticket) for each in self._waiting])

    def _drained(self) -> bool:
        return self._courier.draining.is_set() and self._courier.active == 0

    def _round(self) -> None:
        begun = time.monotonic()
        self._admit()
        self._offer()
        busy = self._engine.active > 0
        asked = time.monotonic()
        deliveries, drops = self._mailbox.collect(0 if busy else _IDLE_SECONDS)
        waited = 0.0 if busy else time.monotonic() - asked
        self._take_in(deliveries)
        self._drop(drops)
        self._admit()
        stepped = self._note(self._engine.boundary()) if self._engine.active else 0.0
        self._count_left()
        between = max(time.monotonic() - begun - waited - stepped, 0.0)
        for activity, seconds in ("waiting", waited), ("steps", stepped), ("boundary", between):
            metrics.LOOP_SECONDS.labels(activity).inc(seconds)

    def _offer(self) -> None:
        active = self._engine.active
        waiting = sum(delivery.slots for delivery in self._waiting)
        room = max(self._engine.free + self._engine.ending - waiting, 0)
        self._mailbox.offer(Offer(room, self._slots(), active, self._steps_per_second))
        metrics.SLOTS_ACTIVE.set(active)
        metrics.SLOTS.set(self._slots())
        metrics.SLOTS_PREFETCHED.set(waiting)

    def _slots(self) -> int:
        """Lanes that the batch can hold now."""
        return self._engine.free + self._engine.active

    def _take_in(self, deliveries: list[Delivery]) -> None:
        """Extractions need no room, so they wait behind nobody."""
        both = sorted([*self._waiting, *deliveries], key=lambda each: not each.extraction)
        self._waiting = deque(both)

    def _admit(self) -> None:
        """In the order in which they came, those that there is room for."""
        settled: list[Settlement] = []
        while self._waiting and self._engine.has_room(self._waiting[0]):
            delivery = self._waiting.popleft()
            if delivery.checkpoint:
                metrics.RESUMED.inc()
            before = self._engine.active
            settlement = self._engine.admit(delivery)
            reason = "resumed" if delivery.checkpoint else "new"
            metrics.JOINED.labels(reason).inc(self._engine.active - before)
            if settlement:
                settled.append(settlement)
        if settled:
            self._mailbox.report([], settled)

    def _drop(self, drops: list[Drop]) -> None:
        gone = [drop for drop in drops if self._leave(drop) or self._unwait(drop)]
        self._mailbox.report([], [Stopped(drop.ticket) for drop in gone if drop.cancelled])

    def _leave(self, drop: Drop) -> bool:
        """Whether the job was in the batch."""
        return self._engine.drop(drop.ticket, "cancelled" if drop.cancelled else "lost")

    def _unwait(self, drop: Drop) -> bool:
        """Whether the job was one that waited for room."""
        before = len(self._waiting)
        self._waiting = deque(each for each in self._waiting if each.ticket != drop.ticket)
        return len(self._waiting) < before

    def _count_left(self) -> None:
        for reason, lanes in self._engine.left.items():
            metrics.LEFT.labels(reason).inc(lanes)
        self._engine.left.clear()

    def _note(self, boundary: Boundary) -> float:
        """Carries on what came of a boundary; how many of its seconds went into steps."""
        self._mailbox.report(boundary.pulses, boundary.settled)
        metrics.OUT_OF_MEMORY.inc(boundary.out_of_memory)
        for lanes, steps, seconds in boundary.batches:
            metrics.BATCH_LANES.observe(lanes)
            metrics.LANE_STEPS.inc(lanes * steps)
            metrics.SLOT_STEPS.inc(self._slots() * steps)
            if steps:
                metrics.STEP_SECONDS.observe(seconds / steps)
                self._remember(lanes * steps / max(seconds, 1e-9))
        metrics.DEVICE_MEMORY.set(self._engine.memory_bytes)
        return sum(seconds for _, _, seconds in boundary.batches)

    def _remember(self, rate: float) -> None:
        past = self._steps_per_second
        self._steps_per_second = _RATE_MEMORY * past + (1 - _RATE_MEMORY) * rate if past else rate
        metrics.STEP_RATE.set(self._steps_per_second)
