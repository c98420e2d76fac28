"""The storm from its beginning to the verdict.

stack and fleet start ─▶ clients act, nemesis acts ─▶ everything healed, queue runs empty
  ─▶ end state read ─▶ processes end, everything forgotten ─▶ checks
"""

import asyncio
import random
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from preimage_queue import AsyncQueue, QueueSettings
from tests.chaos.audit_orders import Desk
from tests.chaos.checks import Violation, violations
from tests.chaos.clients import Client
from tests.chaos.evidence import Evidence, find_leftovers
from tests.chaos.fleet import Fleet
from tests.chaos.history import NEMESIS, OWNER, SDK, History
from tests.chaos.load import watched_load
from tests.chaos.nemesis import CALM, OVER, RATES_A_MINUTE, Nemesis, plan
from tests.chaos.orders import Board
from tests.chaos.owners import Owner
from tests.chaos.reading import READER, Reader, all_jobs
from tests.chaos.sdk import SdkClient
from tests.chaos.stack import LEASE_SECONDS, Stack
from tests.chaos.witness import read

Actor = Client | SdkClient | Owner

_CALM_SECONDS = 3.0
"""All clients connect at one moment; that is over when the storm begins."""


@dataclass(frozen=True)
class Options:
    """How to storm."""

    seconds: float
    seed: int = 1
    workers: int = 3
    clients: int = 16
    sdk_clients: int = 4
    """So many of the clients use the SDK, the others the raw stubs."""
    auditors: int = 2
    owners: int = 2
    """Clients that audit, beside the others."""
    rates: dict[str, float] = field(default_factory=lambda: dict(RATES_A_MINUTE))
    """Faults a minute, by kind."""
    sabotage: str = ""
    """Break the product this way, for a negative control."""
    history: Path | None = None
    """Where to write every call and return as lines of JSON."""


@dataclass(frozen=True)
class Verdict:
    """What came out."""

    options: Options
    evidence: Evidence
    violations: list[Violation]
    rage: "Rage"
    """What was measured meanwhile."""


@dataclass(frozen=True)
class Rage:
    """What was measured while it stormed."""

    seconds: float
    """From the first fault to the last healing."""
    drain_seconds: Mapping[str, Sequence[float]]
    """By the kind of draining: how long each worker took to leave."""
    load: list[float]
    """Load averages of the machine."""


async def storm(options: Options) -> Verdict:
    """Run one storm."""
    history = History(options.history)
    try:
        async with (
            Stack(options.workers, options.auditors, options.sabotage) as stack,
            Fleet(stack) as fleet,
        ):
            board, desk = Board(), Desk()
            actors = [
                *_make_clients(options, stack.target, history, board),
                *_make_owners(options, stack.target, history, desk),
            ]
            rage = await _rage(options, stack, fleet, history, actors)
            await settle(stack.direct_target, stack.queue_settings, history, board, desk)
            reader = Reader(stack.direct_target, stack.queue_settings, history)
            jobs = await reader.read([*board.jobs, *desk.audits])
            await _end(stack, fleet)
            evidence = Evidence(
                entries=tuple(history.entries),
                jobs=jobs,
                testimony=read(sorted(fleet.witnesses.iterdir())),
                leftovers=tuple(find_leftovers(stack.queue_settings)),
                lease_seconds=LEASE_SECONDS,
                began=history.began,
                wanted=board.wanted | desk.wanted,
            )
    finally:
        history.close()
    return Verdict(options, evidence, violations(evidence), rage)


async def _rage(
    options: Options, stack: Stack, fleet: Fleet, history: History, actors: Sequence[Actor]
) -> Rage:
    """All act while the nemesis does; afterwards both have stopped and all processes run."""
    nemesis = Nemesis(stack, fleet, history)
    async with watched_load() as load, asyncio.TaskGroup() as group:
        calm = history.call(NEMESIS, CALM)
        for actor in actors:
            group.create_task(actor.run())
        await asyncio.sleep(_CALM_SECONDS)
        calm.ended(OVER)
        began = history.now()
        await nemesis.run(plan(options.seed, options.seconds, options.rates), options.seconds)
        seconds = history.now() - began
        for actor in actors:
            actor.stop()
    return Rage(seconds, nemesis.drain_seconds, load)


def _make_clients(options: Options, target: str, history: History, board: Board) -> list[Actor]:
    kinds = [Client] * (options.clients - options.sdk_clients) + [SdkClient] * options.sdk_clients
    names = [f"{'c' if kind is Client else SDK}{n:02}" for n, kind in enumerate(kinds)]
    return [
        kind(name, target, history, board, random.Random(f"{options.seed} {n}"))
        for n, (name, kind) in enumerate(zip(names, kinds, strict=True))
    ]


def _make_owners(options: Options, target: str, history: History, desk: Desk) -> list[Actor]:
    names = [f"{OWNER}{number:02}" for number in range(options.owners)]
    return [
        Owner(name, target, history, desk, random.Random(f"{options.seed} {name}"))
        for name in names
    ]


async def settle(
    target: str, settings: QueueSettings, history: History, board: Board, desk: Desk
) -> None:
    """Answer what is unanswered, and give the queue time to run empty."""
    client = Client(READER, target, history, board, random.Random(0))
    owner = Owner(f"{OWNER}{READER}", target, history, desk, random.Random(0))
    for helper, unanswered in ((client, board.unanswered), (owner, desk.unanswered)):
        for order in list(unanswered):
            await helper.place(order)
        helper.stop()
        await helper.run()
    async with AsyncQueue(settings) as queue:
        try:
            await _run_empty(queue)
        except TimeoutError:
            return  # the checks say which jobs have not ended


async def _run_empty(queue: AsyncQueue) -> None:
    """By its jobs and not by its counts, which a broken product may never bring to nothing."""
    async with asyncio.timeout(120):
        while True:
            if all(job.state.terminal for job in await all_jobs(queue)):
                return
            await asyncio.sleep(0.2)


async def _end(stack: Stack, fleet: Fleet) -> None:
    """Every process but Redis ends as an operator would end it."""
    await asyncio.gather(*(fleet.end(slot, signal.SIGTERM) for slot in fleet.slots))
    await stack.frontend.end(signal.SIGTERM)
