"""The nemesis: which fault happens when is drawn from a seed, and then done.

The plan is known before the storm begins. Every kind has a rate, and happens at least once however
short the storm is. A fault that needs a worker or an auditor takes one that no other fault uses at
the moment.
"""

import asyncio
import math
import random
import signal
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from tests.chaos.administrator import drain
from tests.chaos.fleet import Fleet, Slot
from tests.chaos.history import NEMESIS, History
from tests.chaos.proxy import CUT, DELAY, HOLD, RESET, TROUBLES
from tests.chaos.stack import LEASE_SECONDS, Stack, UnexpectedEndError, tail

DONE, MISSED, OVER = "DONE", "MISSED", "OVER"
CALM = "calm"
KILL_WORKER, STOP_WORKER, DRAIN_WORKER = "kill worker", "stop worker", "drain worker"
KILL_AUDITOR, STOP_AUDITOR, DRAIN_AUDITOR = "kill auditor", "stop auditor", "drain auditor"
DRAIN_BY_ADMIN = "drain worker by admin"
KILL_REDIS, KILL_FRONTEND = "kill redis", "kill frontend"
PROXIES: Final = ("clients", "frontend", "workers")
RATES_A_MINUTE: Final = {
    KILL_WORKER: 19.0,
    STOP_WORKER: 3.0,
    DRAIN_WORKER: 2.6,
    KILL_REDIS: 2.6,
    KILL_FRONTEND: 1.5,
    **{f"{trouble} {proxy}": 0.8 for trouble in TROUBLES for proxy in PROXIES},
    DRAIN_BY_ADMIN: 1.5,
    KILL_AUDITOR: 5.0,
    STOP_AUDITOR: 2.0,
    DRAIN_AUDITOR: 2.0,
}
_AWAY_SECONDS: Final = (0.05, 0.8)
"""How long Redis stays away: less than a lease, so that whoever holds one keeps it."""
_WORST_MOMENT: Final = 0.5
"""Share of the kills of Redis that hit it while it brings its file to the disk."""
_STOPPED_SECONDS: Final = (LEASE_SECONDS + 1.0, LEASE_SECONDS + 3.0)
_TROUBLE_SECONDS: Final = {CUT: 1.5, RESET: 0.0, HOLD: 2.0, DELAY: 2.0}
_DELAY_SECONDS: Final = (0.01, 0.15)
_TRIES: Final = 60
"""Of breaking links, a pause apart: a server that was killed on a busy machine is away for long."""
_PAUSE_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that will go wrong."""

    at: float
    """Seconds since the storm began."""
    kind: str
    dice_seed: int
    """Decides what the kind leaves open."""


def plan(seed: int, seconds: float, rates: dict[str, float] = RATES_A_MINUTE) -> list[Fault]:
    """The faults of a storm in the order of their times: each kind spread evenly, with jitter."""
    dice = random.Random(seed)
    faults = []
    for kind, rate in rates.items():
        number = max(1, math.ceil(rate * seconds / 60))
        for index in range(number):
            at = seconds * (index + dice.random()) / number
            faults.append(Fault(at, kind, dice.randrange(2**32)))
    return sorted(faults, key=lambda fault: fault.at)


class Nemesis:
    """Does what is planned."""

    def __init__(self, stack: Stack, fleet: Fleet, history: History) -> None:
        self._stack, self._fleet, self._history = stack, fleet, history
        self._redis, self._frontend = asyncio.Lock(), asyncio.Lock()
        self.drain_seconds: dict[str, list[float]] = defaultdict(list)
        """By kind: how long each worker that was drained took to leave."""
        self._deeds: dict[str, Callable[[random.Random], Awaitable[bool]]] = {
            KILL_WORKER: partial(self._kill, fleet.workers),
            STOP_WORKER: partial(self._stop, fleet.workers),
            DRAIN_WORKER: partial(self._drain, DRAIN_WORKER, fleet.workers),
            DRAIN_BY_ADMIN: self._drain_by_admin,
            KILL_AUDITOR: partial(self._kill, fleet.auditors),
            STOP_AUDITOR: partial(self._stop, fleet.auditors),
            DRAIN_AUDITOR: partial(self._drain, DRAIN_AUDITOR, fleet.auditors),
            KILL_REDIS: self._kill_redis,
            KILL_FRONTEND: self._kill_frontend,
        }

    async def run(self, faults: list[Fault], seconds: float) -> None:
        """Do all of it, each at its time, and heal it: afterwards everything runs."""
        began = self._history.now()
        async with asyncio.TaskGroup() as group:
            for fault in faults:
                await asyncio.sleep(max(0.0, began + fault.at - self._history.now()))
                self._stack.require_alive()
                self._fleet.require_alive()
                group.create_task(self._do(fault))
            await asyncio.sleep(max(0.0, began + seconds - self._history.now()))

    async def _do(self, fault: Fault) -> None:
        operation = self._history.call(NEMESIS, fault.kind)
        dice = random.Random(fault.dice_seed)
        if fault.kind in self._deeds:
            done = await self._deeds[fault.kind](dice)
        else:
            done = await self._break_links(fault.kind, dice)
        operation.ended(DONE if done else MISSED)

    async def _break_links(self, kind: str, dice: random.Random) -> bool:
        trouble, name = kind.split()
        delay_seconds = dice.uniform(*_DELAY_SECONDS)
        proxy = self._stack.proxies[name]
        for _ in range(_TRIES):  # there is nothing to break while the other side is away
            if await proxy.trouble(trouble, dice, _TROUBLE_SECONDS[trouble], delay_seconds):
                return True
            await asyncio.sleep(_PAUSE_SECONDS)
        return False

    async def _kill(self, among: list[Slot], dice: random.Random) -> bool:
        async with (slot := _slot(among, dice)).busy:
            status = await self._fleet.end(slot, signal.SIGKILL)
            await self._fleet.begin(slot)
        return status == -signal.SIGKILL

    async def _drain(self, kind: str, among: list[Slot], dice: random.Random) -> bool:
        """It hands back what it holds, and leaves."""
        async with (slot := _slot(among, dice)).busy:
            began = self._history.now()
            await self._leave(kind, slot, began, self._fleet.end(slot, signal.SIGTERM))
        return True

    async def _drain_by_admin(self, dice: random.Random) -> bool:
        """It finishes what it holds, and leaves."""
        async with (slot := _slot(self._fleet.workers, dice)).busy:
            slot.doomed = True
            began = self._history.now()
            await drain(self._stack.admin_target, slot.worker, lambda: slot.status is not None)
            await self._leave(DRAIN_BY_ADMIN, slot, began, self._fleet.ended(slot))
        return True

    async def _leave(self, kind: str, slot: Slot, began: float, end: Awaitable[int]) -> None:
        """Who was asked to leave does so with status 0; another one comes."""
        status = await end
        self.drain_seconds[kind].append(self._history.now() - began)
        if status != 0:
            raise UnexpectedEndError(f"{slot.name} ended with {status}:\n{tail(slot.log)}")
        await self._fleet.begin(slot)

    async def _stop(self, among: list[Slot], dice: random.Random) -> bool:
        """Longer than its lease: when it goes on, it believes that it holds what it has lost."""
        async with (slot := _slot(among, dice)).busy:
            self._fleet.send(slot, signal.SIGSTOP)
            await asyncio.sleep(dice.uniform(*_STOPPED_SECONDS))
            self._fleet.send(slot, signal.SIGCONT)
        return slot.status is None

    async def _kill_redis(self, dice: random.Random) -> bool:
        async with self._redis:
            if dice.random() < _WORST_MOMENT:
                await asyncio.to_thread(self._stack.wait_for_fsync)
            await self._stack.redis.end(signal.SIGKILL)
            await asyncio.sleep(dice.uniform(*_AWAY_SECONDS))
            await self._stack.start_redis()
        return True

    async def _kill_frontend(self, dice: random.Random) -> bool:
        async with self._frontend:
            await self._stack.frontend.end(signal.SIGKILL)
            await self._stack.start_frontend()
        return True


def _slot(among: list[Slot], dice: random.Random) -> Slot:
    """One of these, if possible one that no other fault uses."""
    slots = dice.sample(among, len(among))
    return next((slot for slot in slots if not slot.busy.locked()), slots[0])
