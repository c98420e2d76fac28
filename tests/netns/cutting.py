"""One link after the other fails for longer than a lease, and heals; the service must recover.

Recovered it has when each of the workers has finished a job that was accepted after the healing:
then the client reaches the frontend, and both workers serve the queue.
"""

import asyncio
import random
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from preimage_queue import AsyncQueue, QueueError, State
from tests.chaos.audit_orders import Desk
from tests.chaos.checks import Violation, story, violations
from tests.chaos.clients import Client
from tests.chaos.evidence import Evidence, find_leftovers
from tests.chaos.history import NEMESIS, RETURN, History
from tests.chaos.nemesis import DONE
from tests.chaos.orders import Board
from tests.chaos.patience import PATIENCE_SECONDS
from tests.chaos.reading import Reader
from tests.chaos.stack import LEASE_SECONDS
from tests.chaos.storm import settle
from tests.netns.lan import CLIENT, Lan
from tests.netns.service import FRONTEND, HOSTS, REDIS, WORKERS, Service

_CUT_SECONDS: Final = LEASE_SECONDS + 1.5
_CLIENTS: Final = 6
_TENANT: Final = "default"
ONE_WAY: Final = ((FRONTEND, REDIS), (REDIS, FRONTEND), (WORKERS[0], REDIS), (REDIS, WORKERS[1]))
"""Who does not hear whom: lost answers of a submit and of a claim, lost questions of both."""


@dataclass(frozen=True)
class Verdict:
    """What came out."""

    evidence: Evidence
    violations: list[Violation]
    workers: frozenset[str]
    """Names of all workers that finished jobs."""
    cuts: dict[str, float]
    """How long the service took to recover, seconds."""

    def sentences(self) -> list[str]:
        """Each violation with the history of its job."""
        lines = []
        for each in self.violations:
            lines += [f"{each.check}: {each.id} {each.sentence}", *story(self.evidence, each)]
        return lines

    def failed_calls(self) -> int:
        """Calls of clients that did not get through."""
        ways = ("UNAVAILABLE", "DEADLINE_EXCEEDED")
        return sum(e.phase == RETURN and e.code in ways for e in self.evidence.entries)


def cuts(lan: Lan) -> Iterator[tuple[str, AbstractContextManager[None]]]:
    """Every fault, with its name."""
    for name in (CLIENT, *HOSTS):
        yield f"{name} unplugged", lan.unplugged(name)
    for receiver, sender in ONE_WAY:
        yield f"{receiver} does not hear {sender}", lan.deaf(receiver, sender)


async def run(seed: int) -> Verdict:
    """Cut everything once."""
    history = History()
    board = Board()
    async with Lan(*HOSTS) as lan, Service(lan) as service:
        clients = [
            Client(f"c{n:02}", service.target, history, board, random.Random(f"{seed} {n}"))
            for n in range(_CLIENTS)
        ]
        actors = [asyncio.create_task(client.run()) for client in clients]
        took = {name: await _cut(name, cut, service, history, board) for name, cut in cuts(lan)}
        for client in clients:
            client.stop()
        await asyncio.gather(*actors)
        await settle(service.target, service.queue_settings, history, board, Desk())
        jobs = await Reader(service.target, service.queue_settings, history).read(board.jobs)
        async with AsyncQueue(service.queue_settings) as queue:
            workers = await _finishers(queue, list(board.jobs))
        service.require_alive()
        await service.end()
        leftovers = tuple(find_leftovers(service.queue_settings))
    evidence = Evidence(tuple(history.entries), jobs, leftovers=leftovers, wanted=board.wanted)
    return Verdict(evidence, violations(evidence), frozenset(workers), took)


async def _cut(
    name: str, cut: AbstractContextManager[None], service: Service, history: History, board: Board
) -> float:
    with history.call(NEMESIS, name) as operation:
        with cut:
            await asyncio.sleep(_CUT_SECONDS)
        operation.ended(DONE)
    healed, before = history.now(), set(board.jobs)
    async with asyncio.timeout(PATIENCE_SECONDS), AsyncQueue(service.queue_settings) as queue:
        finishers: set[str] = set()
        while len(finishers) < len(WORKERS):
            service.require_alive()
            await asyncio.sleep(0.2)
            finishers = await _finishers(queue, [job for job in board.jobs if job not in before])
    return history.now() - healed


async def _finishers(queue: AsyncQueue, ids: list[str]) -> set[str]:
    """The workers that finished these jobs."""
    found = set()
    for job_id in ids:
        try:
            detail = await queue.get_job(job_id, _TENANT)
        except QueueError:
            continue  # asked again
        if detail and detail.job.state == State.SUCCEEDED:
            found.add(detail.job.worker)
    return found - {""}
