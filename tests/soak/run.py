"""The run: warm-up, rest, load, rest; what was seen is a `Record`, for `judging` to judge.

At rest nothing is asked of the service: clients are gone with their connections, every job has
ended, and all that was kept for some seconds has been forgotten. The rest after the warm-up says
what is normal.
"""

import asyncio
import contextlib
import gc
import random
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil
import redis

from preimage.embedded import Stack
from preimage.v1 import preimage_service_pb2_grpc as services
from preimage.v1.audit_service_pb2_grpc import AuditServiceStub
from preimage_queue import QueueSettings
from tests.chaos.clients import channel
from tests.e2e.stacks import tiny_stack
from tests.soak.auditing import look_at_audit
from tests.soak.clients import Client, burst, look
from tests.soak.ledger import Ledger
from tests.soak.sampler import Sample, Sampler, look_into
from tests.soak.waking import wake

_ENVIRONMENT: Final = {
    "PREIMAGE_REAP_SECONDS": "1",
    "PREIMAGE_SLOTS": "8",
    "PREIMAGE_QUEUE_LEASE_SECONDS": "20",
    "PREIMAGE_BEAT_SECONDS": "1",
    "PREIMAGE_AUDIT_LOG": "off",
    # A pool's connections come and go with cancelled calls: a small pool is full soon, so that
    # what is more in the end is a leak.
    "PREIMAGE_QUEUE_CONNECTIONS": "6",
}
LASTING_AT_REST: Final = frozenset(
    {
        "worker",
        "workers",
        "serving",
        "capacity",
        "model",
        "models",
        "turns",
        "spent",
        "present",
        "claim",
    }
)
"""First words of keys that say who works here, and of what tenants have spent in the last hour."""
_COLLECTOR_SECONDS: Final = 0.5
_BURST: Final = 64
_WORKERS: Final = 2


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How to run."""

    seconds: float
    """Of the load."""
    seed: int = 1
    clients: int = 5
    warm_seconds: float = 60.0
    """Of load before it counts."""
    every_seconds: float = 5.0
    """Between two samples."""
    idle_seconds: float = 30.0
    """Of rest in which processor time is counted."""
    patience_seconds: float = 180.0
    """For everything to end and be forgotten; a busy machine may need it."""
    retention_seconds: float = 20.0
    """How long anything is kept that has ended or that nobody uses."""
    may_stay: Callable[[str], bool] = LASTING_AT_REST.__contains__
    """Whether keys with this first word may be there at rest."""


@dataclass(kw_only=True)
class Record:
    """What was seen."""

    plan: Plan
    ledger: Ledger = field(default_factory=Ledger)
    load: list[Sample] = field(default_factory=list)
    before: list[Sample] = field(default_factory=list)
    """At rest after the warm-up."""
    after: list[Sample] = field(default_factory=list)
    """At rest after the load: the first and the last are `idle_seconds` apart."""
    jobs_before: int = 0
    """Jobs of the warm-up."""


def soak(plan: Plan) -> Record:
    """Run; takes the plan's seconds and some minutes."""
    kept = {
        "PREIMAGE_QUEUE_RESULT_RETENTION_SECONDS": plan.retention_seconds,
        "PREIMAGE_QUEUE_DEAD_RETENTION_SECONDS": plan.retention_seconds,
        "PREIMAGE_QUEUE_UPLOAD_RETENTION_SECONDS": plan.retention_seconds,
        "PREIMAGE_QUEUE_OUTPUT_GRACE_SECONDS": plan.retention_seconds,
        "PREIMAGE_QUEUE_CACHE_SECONDS": plan.retention_seconds / 2,
    }
    environment = _ENVIRONMENT | {name: str(seconds) for name, seconds in kept.items()}
    with (
        tempfile.TemporaryDirectory() as folder,
        tiny_stack(Path(folder), workers=_WORKERS, auditors=1, **environment) as stack,
    ):
        return asyncio.run(_Run(plan, stack).run())


class _Run:
    def __init__(self, plan: Plan, stack: Stack) -> None:
        self._plan, self._stack = plan, stack
        self._record = Record(plan=plan)
        self._root = QueueSettings().root
        self._url = stack.children["frontend"].environment["PREIMAGE_REDIS_URL"]
        self._metrics = [said["metrics"] for said in stack.announcements.values()]
        self._names = (f"c{number}" for number in range(10**9))

    async def run(self) -> Record:
        record, plan = self._record, self._plan
        roots = {name: child.pid or 0 for name, child in self._stack.children.items()}
        with Sampler(roots, self._url, self._root, plan.every_seconds) as sampler:
            await self._warm_up(roots)
            record.before = await self._rest(sampler, 1)
            record.jobs_before = record.ledger.accepted
            first = len(sampler.samples)
            await self._load(plan.seconds, sampler)
            record.load = sampler.samples[first:]
            record.after = await self._rest(sampler, plan.idle_seconds)
        return record

    def _client(self) -> Client:
        name = next(self._names)
        dice = random.Random(f"{self._plan.seed} {name}")
        return Client(name, self._stack.target, self._metrics, self._record.ledger, dice)

    async def _warm_up(self, roots: Mapping[str, int]) -> None:
        client = self._client()
        client.stop()
        await client.do_everything_once()
        await client.run()
        await self._load(self._plan.warm_seconds, None)
        async with channel(self._stack.target) as line:
            stub = services.PreimageServiceStub(line)
            await asyncio.gather(*burst(stub, _BURST))
            await wake(roots, stub, self._record.ledger, self._plan.patience_seconds)

    async def _load(self, seconds: float, sampler: Sampler | None) -> None:
        clients = [self._client() for _ in range(self._plan.clients)]
        actors = [asyncio.create_task(client.run()) for client in clients]
        async with self._collector():
            limit = time.monotonic() + seconds
            while time.monotonic() < limit and not any(actor.done() for actor in actors):
                _require(self._stack, sampler)
                await asyncio.sleep(1)
            for client in clients:
                client.stop()
            await asyncio.gather(*actors)

    @contextlib.asynccontextmanager
    async def _collector(self) -> AsyncIterator[None]:
        """Looks after every job until it has ended, also after the clients are gone."""
        ledger = self._record.ledger
        over = asyncio.Event()

        async def collect() -> None:
            async with channel(self._stack.target) as line:
                stub, audits = services.PreimageServiceStub(line), AuditServiceStub(line)
                while ledger.unended() or not over.is_set():
                    for job in ledger.unended():
                        if job.audit:
                            await look_at_audit(audits, ledger, job)
                        else:
                            await look(stub, ledger, job)
                    await asyncio.sleep(_COLLECTOR_SECONDS)

        task = asyncio.create_task(collect())
        try:
            yield
        finally:
            over.set()
            with contextlib.suppress(TimeoutError):  # the judgement names the jobs
                async with asyncio.timeout(self._plan.patience_seconds):
                    await task

    async def _rest(self, sampler: Sampler, seconds: float) -> list[Sample]:
        """Wait until everything is forgotten, then rest; returns samples of the rest alone."""
        limit = time.monotonic() + self._plan.patience_seconds
        with redis.Redis.from_url(self._url) as raw:
            while time.monotonic() < limit:
                forgotten = all(map(self._plan.may_stay, look_into(raw, self._root).keys))
                if forgotten and not self._own_connections():
                    break
                await asyncio.sleep(1)
        samples = [await asyncio.to_thread(sampler.look)]
        await asyncio.sleep(seconds)
        return [*samples, await asyncio.to_thread(sampler.look)]

    def _own_connections(self) -> int:
        """Connections of clients that are gone: gRPC closes them when Python collects the calls."""
        gc.collect()
        port = int(self._stack.target.rpartition(":")[2])
        held = psutil.Process().net_connections("tcp")
        return sum(bool(each.raddr) and each.raddr.port == port for each in held)


def _require(stack: Stack, sampler: Sampler | None) -> None:
    for child in stack.children.values():
        if not child.is_alive():
            raise RuntimeError(f"{child.title} {child.ending()}: {child.last_words()}")
    if sampler and sampler.failure:
        raise sampler.failure
